#!/usr/bin/env bash
# Measures what a packet costs in the data path; needs root. bench/README.md says how to read it.
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
