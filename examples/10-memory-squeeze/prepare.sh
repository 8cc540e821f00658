#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# prepare.sh up: the lab's price service moves into a control group 'squeezed' that may use
# 256 MiB. prepare.sh down: back to where all started, and the group goes.
set -eu

root=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ {print $2}' /proc/self/mounts | head -n 1)
limit=memory.limit_in_bytes
if [ -z "$root" ]; then
  root=$(awk '$3 == "cgroup2" {print $2}' /proc/self/mounts | head -n 1)
  limit=memory.max
  grep -qw memory "$root/cgroup.subtree_control" || echo +memory >"$root/cgroup.subtree_control"
fi
group=$root/squeezed

case ${1:-} in
  up)
    mkdir -p "$group"
    echo $((256 << 20)) >"$group/$limit"
    for pid in $(ip netns pids sqlab-web); do echo "$pid" >"$group/cgroup.procs"; done
    ;;
  down)
    for pid in $(cat "$group/cgroup.procs"); do echo "$pid" >"$root/cgroup.procs"; done
    rmdir "$group"
    ;;
  *)
    echo "usage: $0 up|down" >&2
    exit 2
    ;;
esac
