#!/bin/sh
# Traffic through one appliance, with the programs loaded by this kernel.
. /guest/lib.sh
. /guest/testbed.sh
changed() { sed 's/"unhealthyThreshold": 5/"unhealthyThreshold": '"$1"'/' /guest/manifest.json >/tmp/manifest-$1.json; }

step "namespaces and links"
namespaces
links
addresses
servers
step "glbd starts"
glbd >/run/glbd.log 2>&1 &
daemon=$!
wait_for 60 "glbd answers" glbctl status
step "first manifest"
glbctl apply /guest/manifest.json >/tmp/out 2>&1 || { tail -c 4000 /tmp/out; fail "the first apply"; }
step "two changes, each of which waits for packets in the data path"
for threshold in 6 7; do
    changed $threshold
    glbctl apply /tmp/manifest-$threshold.json >/dev/null || fail "a later apply"
done
wait_for 60 "a healthy target" all_healthy
step "downloads"
download client server || fail "the download through endpoint branch"
download client2 server2 || fail "the download through endpoint tenant, by its route table"
inside client ping -c 3 -q 198.51.100.20 || fail "ping"
for document in status drops counters flows endpoints targets guard; do
    report $document "$(glbctl -o json $document)"
done
step "restart of the daemon"
kill -KILL $daemon
wait $daemon
glbd >>/run/glbd.log 2>&1 &
wait_for 60 "glbd answers again" glbctl status
download client server || fail "the download after the restart"
report log "$(grep -E ' (warning|error|critical) ' /run/glbd.log)"
glbctl down --yes || fail "down"
report done true
poweroff -f
