#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test.
#   scripts/test.sh                 all levels
#   scripts/test.sh -L unit         only some (arguments go to ctest)
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/deps.sh
cmake --preset release
cmake --build --preset release
ctest --preset release "$@"
