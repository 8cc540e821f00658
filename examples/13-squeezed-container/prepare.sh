#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# prepare.sh up: two podman containers with nothing but busybox in them, no image needed. Each
# writes files as fast as it can and counts them in /var/tmp/sqlab-NAME/figures.json.
# prepare.sh down: removes both.
set -euo pipefail

# Without systemd podman keeps the groups itself, and crun knows no mixed hierarchies.
options=()
[[ -d /run/systemd/system ]] || options+=(--cgroup-manager cgroupfs)
[[ -f /sys/fs/cgroup/cgroup.controllers ]] || options+=(--runtime runc)
podman=(podman --log-level error "${options[@]}")

# $1: MiB of the file that is written again and again, beside one of 16 MiB that is kept.
work='
dd if=/dev/zero of=/tmp/kept bs=1M count=16 2>/dev/null
n=0
while :; do
  dd if=/dev/zero of=/tmp/file bs=1M count=$1 2>/dev/null
  rm /tmp/file
  n=$((n + 1))
  echo "{\"files\": $n}" >/figures.new && mv /figures.new /figures.json
  sleep 0.2
done'

start() {
  local root=/var/tmp/sqlab-$1
  mkdir -p "$root"/{bin,proc,sys,dev,etc,run,tmp}
  cp "$(command -v busybox)" "$root/bin/busybox"
  for tool in sh dd rm mv sleep; do ln -sf busybox "$root/bin/$tool"; done
  "${podman[@]}" run -d --name "sqlab-$1" --network=none --ulimit nofile=1024:1024 \
    --ulimit nproc=1024:1024 --rootfs "$root" sh -c "$work" sh "$2" >/dev/null
}

case "${1:-}" in
  up)
    start hungry 64
    start neighbour 8
    until [[ -s /var/tmp/sqlab-neighbour/figures.json && -s /var/tmp/sqlab-hungry/figures.json ]]; do
      sleep 0.1
    done
    ;;
  down)
    "${podman[@]}" rm -f -t 0 sqlab-hungry sqlab-neighbour >/dev/null
    rm -rf /var/tmp/sqlab-hungry /var/tmp/sqlab-neighbour
    ;;
  *)
    echo "usage: $0 up|down" >&2
    exit 2
    ;;
esac
