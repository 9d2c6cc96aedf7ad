# Sourced by the guest's scripts.
export PATH=/usr/bin:/usr/sbin
step() { echo "step: $*"; }
report() { printf '%s %s\n' "$1" "$(printf %s "$2" | tr -d '\n')" >/dev/ttyS1; } # report NAME JSON
fail() {
    echo "step: FAILED: $*"
    for log in /run/*.log; do
        echo "--- $log"
        tail -n 40 "$log"
    done
    systemctl --no-pager status glbd glb-guard 2>/dev/null
    dmesg | tail -n 20
    poweroff -f
    sleep 60
}
# wait_for SECONDS WHAT COMMAND...
wait_for() {
    local end=$(($(date +%s) + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt $end ] || fail "timeout: $what"
        sleep 0.2
    done
}
inside() { # inside NAMESPACE COMMAND...
    local name=$1
    shift
    nsenter --net="/run/netns/$name" "$@"
}
all_healthy() { glbctl targets | grep -q ' healthy ' && ! glbctl targets | grep -q -E ' (initial|unhealthy) '; }
