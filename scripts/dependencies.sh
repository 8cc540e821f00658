#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what squall needs on Debian 12, by package name, from whatever package sources
# the machine has. Quick when everything is there. `dependencies.sh build` is enough to
# build and run it and its demo; without a word it also gets what the tests need.
set -euo pipefail

build=(g++ clang-19 llvm-19 cmake ninja-build ccache pkg-config python3
  libboost-dev libbpf-dev libnl-3-dev libnl-route-3-dev linux-libc-dev libtomlplusplus-dev libcli11-dev
  nlohmann-json3-dev doctest-dev libcurl4-openssl-dev libcurl4
  iproute2 bpftool procps util-linux)
tests=(clang-format-19 clang-tidy-19 libclang-rt-19-dev strace time stress-ng iputils-ping
  python3-jsonschema zsh fish groff-base
  qemu-system-x86 busybox-static cpio kmod
  podman conmon crun runc)

case "${1:-all}" in
  build) wanted=("${build[@]}") ;;
  all) wanted=("${build[@]}" "${tests[@]}") ;;
  *)
    echo "usage: $0 [build|all]" >&2
    exit 2
    ;;
esac

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  echo "packages: all ${#wanted[@]} are here"
  exit 0
fi

echo "packages: installing ${missing[*]}"
as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || {
    echo "error: installing packages needs root" >&2
    exit 1
  }
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
