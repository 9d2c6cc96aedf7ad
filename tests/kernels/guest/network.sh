#!/bin/sh
# What the network's service does at boot. The kernel forwards between the interfaces, and glbd does not run yet.
. /guest/lib.sh
. /guest/testbed.sh
step "network"
namespaces
links
addresses
servers
! inside client ping -c 2 -W 1 -q 198.51.100.20 >/dev/null || fail "packets were forwarded before glbd ran"
