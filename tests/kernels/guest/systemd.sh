#!/bin/sh
# Runs when the guest has booted (scenario.service).
. /guest/lib.sh
. /guest/testbed.sh
manifest=/etc/glb/manifest.json
json() { # json MEMBER DOCUMENT: the first number with this name
    printf %s "$2" | grep -o "\"$1\":[0-9]*" | head -n 1 | cut -d : -f 2
}
epoch() { json epoch "$(glbctl -o json status)"; }
uninspected() { json uninspected "$(glbctl -o json status)"; }
property() { systemctl show --value -p "$1" glbd; }
restarted() { [ "$(property ActiveState)" = active ] && [ "$(property NRestarts)" = 1 ]; }
# A ping during COMMAND..., which must succeed.
without_loss() {
    inside client ping -i 0.1 -c 100 -q 198.51.100.20 >/run/ping &
    local ping=$!
    "$@" || fail "$*"
    wait $ping
    grep -q '100 packets received' /run/ping || fail "$*: $(grep received /run/ping)"
}

step "booted"
systemctl is-active glb-guard >/dev/null || fail "glb-guard is not active"
wait_for 120 "glbd is active" systemctl is-active glbd
[ "$(stat -c %G /run/glb/glbd.sock)" = glb ] || fail "the socket does not belong to the group glb"
wait_for 60 "a healthy target" all_healthy
download client server || fail "the download after the boot"
blocked=$(uninspected)
[ "$blocked" -gt 0 ] || fail "the guard counted none of the packets before the start of glbd"

step "a reload that is refused"
before=$(epoch)
cp $manifest /run/good.json
echo '{ "version": 1, "endpoints": [ {} ] }' >$manifest
! systemctl reload glbd 2>/dev/null || fail "the reload of a bad manifest succeeded"
[ "$(property ActiveState) $(epoch)" = "active $before" ] || fail "the refused reload changed something"
step "a reload that is accepted"
sed 's/"unhealthyThreshold": 5/"unhealthyThreshold": 6/' /run/good.json >$manifest
systemctl reload glbd || fail "the reload of a good manifest"
[ "$(epoch)" = $((before + 1)) ] || fail "the reload changed nothing"

step "a restart"
without_loss systemctl restart glbd
[ "$(epoch)" = $((before + 1)) ] || fail "the restart lost the manifest"
step "a kill"
without_loss kill -KILL "$(property MainPID)"
wait_for 120 "the daemon is restarted" restarted
download client server || fail "the download after the kill"
[ "$(uninspected)" = "$blocked" ] || fail "packets passed the data path uninspected"
report status "$(glbctl -o json status)"
report drops "$(glbctl -o json drops)"
report log "$(grep -E ' (warning|error|critical) ' /run/glbd.log)"
report done true
poweroff -f
