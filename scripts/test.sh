#!/usr/bin/env bash
# Installs missing packages, builds, and runs the tests that must pass before a change is merged.
#   scripts/test.sh           everything: the preset release; unit, native and fuzz tests with ASan and UBSan; concurrency
#                             tests with TSan; clang-tidy over the changed sources
#   scripts/test.sh -L unit   only these tests of the preset release (arguments go to ctest)
# With CI set in the environment, a skipped test is a failure. Long campaigns are in scripts/nightly.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

# run PRESET [CTEST ARGUMENT...]
run() {
    local preset=$1 report=$PWD/build/$1/tests.xml failed=0 skipped
    shift
    ctest --preset "$preset" --no-tests=error --output-junit "$report" "$@" || failed=1
    skipped=$(sed -n 's/.*<testcase name="\([^"]*\)".* status="notrun".*/\1/p' "$report")
    if [ -n "$skipped" ]; then
        echo "test: skipped:" $skipped >&2
        [ -z "${CI:-}" ] || failed=1
    fi
    return $failed
}

build_release() {
    cmake --preset release "$@"
    cmake --build --preset release
}

# Builds the sanitized tests while no other process needs a CPU: the tests in network namespaces mostly wait, and must
# not be disturbed.
start_idle_work() {
    local idle=(nice -n 19)
    ! chrt --idle 0 true 2>/dev/null || idle=(chrt --idle 0)
    cmake --preset dev
    cmake --preset tsan
    "${idle[@]}" setsid bash -c '
        cmake --build --preset dev --target check_sanitized &&
            cmake --build --preset tsan --target check_concurrency' >build/idle.log 2>&1 &
    idle_work=$!
    trap 'kill -- "-$idle_work" 2>/dev/null || true' EXIT
}

scripts/deps.sh
if [ $# -gt 0 ]; then
    build_release -DGLB_SANITIZED_TESTS=ON
    run release "$@"
    exit
fi

build_release -DGLB_SANITIZED_TESTS=OFF
start_idle_work
failed=0
run release -LE '^(sanitized|tidy)$' || failed=1
echo "test: waiting for the sanitized builds" >&2
if wait "$idle_work"; then
    run dev -L '^sanitized$' || failed=1
    run tsan -L '^concurrency$' || failed=1
    run release -L '^tidy$' || failed=1
else
    tail -n 100 build/idle.log
    failed=1
fi
exit $failed
