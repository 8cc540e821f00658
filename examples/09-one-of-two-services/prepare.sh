#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# prepare.sh up: a bridge with htb on its ports, in a namespace of its own; behind it two web
# services, 'orders' and 'prices', and a client. prepare.sh down: removes all of it.
#
#   sqex-client 10.79.0.1 ---.                .--- sqex-orders 10.79.0.2
#                            sqex-bridge: br0
#                                             '--- sqex-prices 10.79.0.3
set -eu

namespaces='sqex-bridge sqex-client sqex-orders sqex-prices'

up() {
  for each in $namespaces; do
    ip netns add "$each"
    ip -n "$each" link set lo up
  done
  ip -n sqex-bridge link add br0 type bridge
  ip -n sqex-bridge link set br0 up
  host=1
  for each in client orders prices; do
    ip -n sqex-bridge link add "$each" type veth peer name eth0 netns "sqex-$each"
    ip -n sqex-bridge link set "$each" master br0 up
    ip -n "sqex-$each" address add "10.79.0.$host/24" dev eth0
    ip -n "sqex-$each" link set eth0 up
    host=$((host + 1))
    shape "$each"
  done
  for each in orders prices; do
    mkdir -p "/run/squall-example/$each"
    (cd "/run/squall-example/$each" &&
      exec ip netns exec "sqex-$each" python3 -m http.server 8000 >/dev/null 2>&1 </dev/null) &
  done
  for each in 2 3; do await "10.79.0.$each"; done
}

# What the owner of the bridge has configured, and wants to keep.
shape() {
  tc -n sqex-bridge qdisc add dev "$1" root handle 1: htb default 20 r2q 10000
  tc -n sqex-bridge class add dev "$1" parent 1: classid 1:1 htb rate 1gbit
  tc -n sqex-bridge class add dev "$1" parent 1:1 classid 1:10 htb rate 100mbit ceil 1gbit prio 0
  tc -n sqex-bridge class add dev "$1" parent 1:1 classid 1:20 htb rate 900mbit ceil 1gbit prio 1
  tc -n sqex-bridge qdisc add dev "$1" parent 1:20 handle 20: pfifo limit 2000
  tc -n sqex-bridge filter add dev "$1" parent 1: protocol ip prio 1 u32 \
    match ip dport 22 0xffff classid 1:10
}

# Bounded: a service that does not come is told.
await() {
  ip netns exec sqex-client python3 -c "
import socket, sys, time
end = time.monotonic() + 60
while time.monotonic() < end:
    try:
        socket.create_connection(('$1', 8000), 5).close()
        sys.exit(0)
    except OSError:
        time.sleep(0.05)
sys.exit('no service at $1')"
}

down() {
  for each in $namespaces; do
    [ -e "/run/netns/$each" ] || continue
    for pid in $(ip netns pids "$each"); do kill "$pid"; done
    ip netns del "$each"
  done
  rm -rf /run/squall-example
}

case "${1:-}" in
  up | down) "$1" ;;
  *)
    echo "usage: $0 up|down" >&2
    exit 2
    ;;
esac
