#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Everything that has to hold before a change is taken, from a fresh Debian 12 on: packages,
# both builds with warnings as errors, format, tidy, and the tests of every tier. What CI
# runs is this script. Its last words are the test runner's summary.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}

usage() {
  cat <<'HELP'
usage: scripts/test.sh [--quick] [--tier NAME] [--jobs N]

  --quick       gcc only, no tidy, and only the tests that need no privileges
  --tier NAME   only the tests of one tier: unit, machine, golden, source, netns, bpf, vm
  --jobs N      so many at the same time; all CPUs by default
HELP
}

quick=no tier='' jobs=$(nproc)
while (($#)); do
  case "$1" in
    --quick) quick=yes ;;
    --tier) tier=${2:?"--tier needs a name"} && shift ;;
    --jobs) jobs=${2:?"--jobs needs a number"} && shift ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done

failed=()
said=$(mktemp)
steps=() began=()
step() {
  steps+=("$*") began+=("$SECONDS")
  printf '\n== %s (%d s)\n' "$*" "$SECONDS"
}
# Its last words are the test runner's summary, whatever happened to the times.
tell_times() {
  local code=$? number
  began+=("$SECONDS")
  printf '\nseconds  step\n'
  for number in "${!steps[@]}"; do
    printf '%7d  %s\n' $((began[number + 1] - began[number])) "${steps[number]}"
  done
  printf '%7d  in all\n\n' "$SECONDS"
  sed -n '/tests passed/,$p' "$said" 2>/dev/null
  rm -f "$said"
  return "$code"
}
trap tell_times EXIT
must() { "$@" || { echo "error: '$*' failed" >&2 && exit 1; }; }
note() { # name, command…
  local name=$1
  shift
  "$@" || failed+=("$name")
}
build() {
  must cmake --preset "$1" -Wno-dev --log-level=WARNING
  must cmake --build "build/$1" -j "$jobs" -- --quiet
}
check_format() {
  find safety faults scenarios lab cmd tests examples \( -name '*.cpp' -o -name '*.hpp' \) -print0 |
    xargs -0 clang-format-19 --dry-run --Werror
}

step "packages"
must scripts/dependencies.sh

if [[ $quick == no && -z $tier ]]; then
  step "format"
  note format check_format
fi

step "build with gcc, as it is installed (build/release)"
build release

if [[ $quick == no && -z $tier ]]; then
  step "build with clang 19, address and undefined-behaviour sanitizers (build/asan)"
  build asan

  step "tidy"
  note tidy scripts/tidy.py build/asan

  step "tests without privileges, with sanitizers"
  note "tests with sanitizers" ctest --test-dir build/asan -j "$jobs" --output-on-failure \
    -L '^(unit|machine|golden)$' --no-tests=error
fi

step "tests"
((${#failed[@]} == 0)) || echo "FAILED before the tests: ${failed[*]}"
choice=()
if [[ -n $tier ]]; then
  choice=(-L "^$tier\$")
elif [[ $quick == yes ]]; then
  choice=(-LE '^(netns|bpf|vm)$')
fi
# One more than there are CPUs: most tests of this machine wait, and virtual machines work meanwhile.
ctest --test-dir build/release -j $((jobs + 1)) --output-log "$said" --output-on-failure --no-tests=error "${choice[@]}" ||
  failed+=(tests)
((${#failed[@]} == 0))
