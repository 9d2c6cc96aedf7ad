#!/usr/bin/env bash
# Long campaigns, which scripts/test.sh has no time for; needs root.
#   scripts/nightly.sh              all of them in sequence; continues after a failure, and lists failures at the end
#   scripts/nightly.sh NAME...      some: fuzz tidy simulations traffic churn chaos sanitized drills
# GLB_FUZZ_SECONDS: of each fuzz target, 1800 by default. GLB_CHAOS_MINUTES: of random faults, 10 by default.
set -uo pipefail
cd "$(dirname "$0")/.."

campaigns=(fuzz tidy simulations traffic churn chaos sanitized drills)

build() {
    cmake --preset "$1" && cmake --build --preset "$@"
}

# Inputs with new coverage go to build/fuzz/found/TARGET, failing inputs to build/fuzz/failed/.
fuzz() {
    build fuzz || return 1
    local target failed=0
    mkdir -p build/fuzz/failed
    for target in build/fuzz/bin/fuzz_*; do
        [ "${target##*/}" != fuzz_seeds ] || continue
        local name=${target##*/} corpus=()
        mkdir -p "build/fuzz/found/$name"
        case $name in
            fuzz_manifest) corpus=(tests/fuzz/manifest/corpus deploy/examples) ;;
            *) corpus=("build/fuzz/tests/fuzz/path/seeds/${name#fuzz_}") ;;
        esac
        "$target" -max_total_time="${GLB_FUZZ_SECONDS:-1800}" -artifact_prefix=build/fuzz/failed/ \
            "build/fuzz/found/$name" "${corpus[@]}" || failed=1
    done
    return $failed
}

tidy() {
    tests/lint/tidy.py --all
}

simulations() {
    build release --target unit_health_passive && GLB_SIM_SEEDS=20000 build/release/bin/unit_health_passive
}

traffic() {
    build release && GLB_IPERF_SECONDS=60 build/release/bin/netns_smoke
}

churn() {
    build release && GLB_CHURN_SECONDS=600 build/release/bin/netns_churn
}

# Random faults under the traffic of two tenants. The seed is printed, and repeats the run.
chaos() {
    scripts/drill.sh chaos --minutes "${GLB_CHAOS_MINUTES:-10}"
}

# The daemon itself under sanitizers, with traffic.
sanitized() {
    local preset failed=0
    for preset in dev tsan; do
        build $preset && ctest --preset $preset -R '^netns_(smoke|churn|follow|operations|survive)$' || failed=1
    done
    return $failed
}

drills() {
    scripts/drill.sh --full
}

scripts/deps.sh || exit 1
[ $# -gt 0 ] || set -- "${campaigns[@]}"
failed=()
for name in "$@"; do
    case " ${campaigns[*]} " in
        *" $name "*) ;;
        *)
            echo "nightly: unknown campaign $name; known: ${campaigns[*]}" >&2
            exit 2
            ;;
    esac
    echo "nightly: $name" >&2
    "$name" || failed+=("$name")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "nightly: failed: ${failed[*]}" >&2
    exit 1
fi
