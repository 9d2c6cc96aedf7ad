#!/usr/bin/env bash
# Installs missing packages, builds, and runs the tests that must pass before a change is merged.
#   scripts/test.sh                 the preset release with all its tests
#   scripts/test.sh --sanitizers    the same, then unit, native and fuzz tests with ASan and UBSan, and concurrency tests
#                                   with TSan
#   scripts/test.sh -L unit         only some tests of the preset release (arguments go to ctest)
# With CI set in the environment, a skipped test is a failure. Long campaigns are in scripts/nightly.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

# build PRESET [TARGET...]
build() {
    local preset=$1
    shift
    cmake --preset "$preset"
    cmake --build --preset "$preset" ${1:+--target "$@"}
}

# run PRESET [CTEST ARGUMENT...]
run() {
    local preset=$1 report=$PWD/build/$1/tests.xml skipped
    shift
    ctest --preset "$preset" --no-tests=error --output-junit "$report" "$@"
    skipped=$(sed -n 's/.*<testcase name="\([^"]*\)".* status="notrun".*/\1/p' "$report")
    if [ -n "$skipped" ]; then
        echo "test: skipped:" $skipped >&2
        [ -z "${CI:-}" ] || exit 1
    fi
}

sanitizers=
if [ "${1:-}" = --sanitizers ]; then
    sanitizers=1
    shift
fi

scripts/deps.sh
build release
run release "$@"
[ -n "$sanitizers" ] || exit 0
build dev check_unit check_fuzz
run dev -L '^(unit|fuzz)$'
build tsan check_concurrency
run tsan -L '^concurrency$'
