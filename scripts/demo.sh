#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# From a fresh Debian 12 to a disturbed service and a clean host, in one command, as root:
# packages, build, the lab, a plan, a run of overlapping faults, and the proof from outside
# that nothing of it is left. Whatever happens in between, it takes its own things away.
set -euo pipefail
cd "$(dirname "$0")/.."

bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
show() {
  printf '%s$ %s%s\n' "$bold" "$*" "$plain"
  "$@"
}

if ((EUID != 0)); then
  echo "error: the demo makes network namespaces and hurts what is in them, which needs root" >&2
  echo "  hint: sudo $0" >&2
  exit 3
fi

squall=build/release/squall
scenario=examples/01-demo/scenario.toml
networks=(sqlab-gw sqlab-client sqlab-web)
scratch=$(mktemp -d)
lab_is_ours=no

clean_up() {
  local code=$?
  trap - EXIT INT TERM HUP
  if [[ $lab_is_ours == yes ]]; then
    "$squall" recover >/dev/null 2>&1 || true
    "$squall" lab down >/dev/null 2>&1 || true
  fi
  rm -rf "$scratch"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# What the host looks like to anybody else's tools: devices, packet hooks, BPF programs,
# cgroups and processes. Numbers that count on by themselves are left out.
look_at_network() {
  "$@" ip -o link show | sed 's/^[0-9]*: //'
  "$@" ip -o address show | awk '{print $2, $3, $4}'
  "$@" tc qdisc show
  local device hook
  for device in $("$@" ip -o link show | awk -F': ' '{sub(/@.*/, "", $2); print $2}'); do
    for hook in ingress egress; do
      "$@" tc filter show dev "$device" "$hook" 2>/dev/null | sed "s/^/$device $hook: /"
    done
  done
}
look() {
  echo "-- this host" && look_at_network command
  local network
  for network in "${networks[@]}"; do
    [[ -e /run/netns/$network ]] || continue
    echo "-- $network" && look_at_network ip netns exec "$network"
  done
  echo "-- BPF programs of ours" && { bpftool prog show | grep -o 'name squall[^ ]*' | sort || true; }
  echo "-- control groups of ours" && find /sys/fs/cgroup -type d -name 'squall*' | sort
  echo "-- processes of ours" && { pgrep -l '^squall' || true; }
  echo "-- services" && ps -eo stat=,comm= | awk '!/^Z/ && /order-|price-serv/ {print substr($1, 1, 1) == "T" ? "stopped" : "running", $2}' | sort
}
same() { # before, after, what
  if diff -u "$scratch/$1" "$scratch/$2" >"$scratch/difference"; then
    echo "  $3: $(wc -l <"$scratch/$1") lines compared, no difference"
  else
    echo "  $3: DIFFERENT" && cat "$scratch/difference"
    return 1
  fi
}

step "packages"
scripts/dependencies.sh build

step "build (build/release)"
began=$SECONDS
cmake --preset release -Wno-dev >"$scratch/cmake" || { cat "$scratch/cmake"; exit 1; }
targets=(squall squall-watchdog order-gateway order-client price-service)
if [[ -t 1 ]]; then
  cmake --build build/release --target "${targets[@]}"
else
  cmake --build build/release --target "${targets[@]}" >"$scratch/build" || { cat "$scratch/build"; exit 1; }
fi
echo "  took $((SECONDS - began)) s"
began=$SECONDS

step "what works on this host"
show "$squall" doctor || true # says what is missing; the demo's faults are checked by plan

step "the lab: network namespaces with small real services in them"
[[ -e ${SQUALL_RUN_DIR:-/run/squall}/lab.json ]] || lab_is_ours=yes
look >"$scratch/host-before"
show "$squall" lab up
look >"$scratch/before"

step "what the scenario would change"
show "$squall" plan "$scenario"

step "disturb, watch, judge, put back"
verdict=0
show "$squall" run "$scenario" --yes || verdict=$?
echo "  exit code $verdict"

step "what is left, seen with ip, tc, bpftool and ps"
look >"$scratch/after"
clean=yes
same before after "the lab before and after the run" || clean=no
if [[ $lab_is_ours == yes ]]; then
  "$squall" lab down
  look >"$scratch/host-after"
  same host-before host-after "the host before and after everything" || clean=no
fi

echo
if [[ $verdict == 0 && $clean == yes ]]; then
  echo "${bold}The hypothesis held, and nothing is left.${plain} ($((SECONDS - began)) s after the build)"
  echo "Next: '$squall lab up', examples/, and '$squall explain packet_loss'."
else
  echo "The demo did not end as it should: exit code $verdict, clean: $clean" >&2
  exit 1
fi
