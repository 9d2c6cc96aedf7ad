#!/usr/bin/env bash
# Measures the cost of a packet in the data path; needs root. See bench/README.md.
#   scripts/bench.sh --quick          the rows of bench/README.md
#   scripts/bench.sh                  the same, and the flow table's shape against others
#   scripts/bench.sh --quick --json   one JSON document on stdout
set -euo pipefail
cd "$(dirname "$0")/.."

{
    scripts/deps.sh
    cmake --preset release
    cmake --build --preset release --target glb-bench
} >&2
exec build/release/bin/glb-bench "$@"
