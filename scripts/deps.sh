#!/usr/bin/env bash
# Installs the Debian packages that the build, the tests and the demo need, if any is missing.
#   scripts/deps.sh           everything
#   scripts/deps.sh --build   only what the build needs
set -euo pipefail

build=(
    build-essential cmake ninja-build ccache pkg-config git ca-certificates python3
    clang clang-16 clang-format clang-tidy-16 lld llvm bpftool linux-libc-dev libclang-rt-14-dev libclang-rt-16-dev
    libbpf-dev libxdp-dev libelf-dev zlib1g-dev
    nlohmann-json3-dev libcli11-dev catch2 librapidcheck-dev libfmt-dev libspdlog-dev libexpected-dev libboost1.81-dev
    libssl-dev libmnl-dev libnftables-dev libsystemd-dev libcap-dev libsmartcols-dev prometheus-cpp-dev libvalijson-dev libxxhash-dev
)
run=(
    iproute2 nftables ethtool iputils-ping procps util-linux iperf3 nginx-light curl jq openssl
    tcpdump tshark python3-scapy netcat-openbsd bird2 openssh-server isc-dhcp-client dnsmasq-base
    systemd libfaketime
    qemu-system-x86 busybox-static
)

wanted=("${build[@]}")
[ "${1:-}" = --build ] || wanted+=("${run[@]}")

missing=()
for package in "${wanted[@]}"; do
    [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "deps: not root, cannot install: ${missing[*]}" >&2
    echo "deps: run: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
echo "deps: installing ${#missing[@]} packages: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# Services of installed packages (nginx, bird) must not start on this machine: the tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
