#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# prepare.sh up: puts the lab's gateway into a control group of its own, "sqlab-gateway", in the
# hierarchies that know CPU and memory. prepare.sh down: takes it out and removes the group.
set -eu

# cgroup v2 has both in one place; v1 has each in its own.
roots() {
  if grep -qw cpu /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
    echo /sys/fs/cgroup
  else
    echo /sys/fs/cgroup/cpu /sys/fs/cgroup/memory
  fi
}

up() {
  for root in $(roots); do
    if [ -f "$root/cgroup.subtree_control" ]; then
      echo '+cpu +memory' >"$root/cgroup.subtree_control"
    fi
    mkdir -p "$root/sqlab-gateway"
    for pid in $(ip netns pids sqlab-gw); do
      echo "$pid" >"$root/sqlab-gateway/cgroup.procs"
    done
  done
}

down() {
  for root in $(roots); do
    [ -d "$root/sqlab-gateway" ] || continue
    while read -r pid; do
      echo "$pid" >"$root/cgroup.procs"
    done <"$root/sqlab-gateway/cgroup.procs"
    rmdir "$root/sqlab-gateway"
  done
}

case "${1:-}" in
  up | down) "$1" ;;
  *)
    echo "usage: $0 up|down" >&2
    exit 2
    ;;
esac
