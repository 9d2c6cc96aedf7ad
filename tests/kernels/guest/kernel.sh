#!/bin/sh
# Traffic through one appliance, with the programs loaded by this kernel.
. /guest/lib.sh
. /guest/testbed.sh
changed() { sed 's/"unhealthyThreshold": 5/"unhealthyThreshold": '"$1"'/' /guest/manifest.json >/tmp/manifest-$1.json; }
permanent() { inside "$1" ip neigh replace "$2" lladdr "$(cat "/sys/class/net/$3/address")" dev eth0 nud permanent; }
# scan FIRST LAST: an echo request to each of these hosts, which do not exist
scan() { (for last in $(seq "$1" "$2"); do inside client ping -c 1 -W 1 -q "198.51.100.$last" >/dev/null & done; wait); }
not_degraded() { glbctl status --check; }

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
step "a client's scan fills the kernel's neighbour table"
wait_for 60 "a healthy target" all_healthy
permanent client 192.0.2.1 cli0 # all namespaces share the table: only the node lacks entries
permanent fw 10.1.0.1 under0
sysctl -qw net.ipv4.neigh.default.gc_thresh1=4 net.ipv4.neigh.default.gc_thresh2=8 net.ipv4.neigh.default.gc_thresh3=16
for round in $(seq 7); do # longer than the health checks take to fail a target
    scan 30 50
    sleep 3
    all_healthy || fail "a target of a node whose neighbour table is full"
done
! grep 'healthy -> unhealthy' /run/glbd.log || fail "a target was unhealthy"
! inside client ping -c 1 -W 1 -q 198.51.100.99 >/dev/null || fail "nobody has this address"
report full "$(glbctl -o json status)"
glbctl status | grep 'neighbour table is full' || fail "status does not name the full table"
sysctl -qw net.ipv4.neigh.default.gc_thresh3=1024
wait_for 30 "the end of the condition" not_degraded
download client server || fail "the download after the scan"
glbctl down --yes || fail "down"
report done true
poweroff -f
