#!/usr/bin/env bash
# Demonstrates glb in network namespaces on this machine: traffic through firewalls, one of which is killed.
#   scripts/demo.sh           installs missing packages, builds, runs, verifies, cleans up
#   scripts/demo.sh --json    the same; the last line of stdout is one JSON document, other output goes to stderr
#   scripts/demo.sh --keep    leaves the testbed running and prints commands to explore it
#   scripts/demo.sh --down    removes what --keep left running
# Exit status: 0 if every check succeeds, otherwise 1. Needs root.
# shellcheck disable=SC2016 # variables of jq in single quotes
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
here=$root/scripts
dir=/run/glb-demo
bin=${GLB_DEMO_BIN:-$root/build/release/bin} # GLB_DEMO_BIN: folder of programs that are already built
# shellcheck source=scripts/demo/testbed.sh
. "$here/demo/testbed.sh"

exec 3>&1
json=false keep=false down=false
for argument in "$@"; do
    case $argument in
        --json) json=true; exec 1>&2 ;;
        --keep) keep=true ;;
        --down) down=true ;;
        -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "demo: unknown option $argument, see --help" >&2; exit 2 ;;
    esac
done

say() { printf '%s\n' "$*"; }
step() { printf '\n[%3d s] %s\n' $SECONDS "$*"; }
fail() { echo "demo: $*" >&2; exit 1; }

failures=0
# check DESCRIPTION COMMAND...: runs a check, prints its result and counts failures.
check() {
    if "${@:2}" >/dev/null; then say "  ok    $1"; else say "  FAIL  $1"; failures=$((failures + 1)); fi
}
satisfies() { jq -e "$2" <<<"$1"; } # satisfies DOCUMENT FILTER

# Members are set as results become available: initial values at the end show where a failed demo stopped.
result='{"ok":false,"flows":0,"appliances":{},"asymmetricFlows":0,"blockedByFirewall":false,"bytesVerified":0,"lostAfterKill":0,"seconds":0}'
record() { result=$(jq -c "$@" <<<"$result"); }

finish() {
    local status=$?
    trap - EXIT INT TERM
    [ $status -eq 0 ] && [ $failures -gt 0 ] && status=1
    if [ $status -ne 0 ] && [ -d "$dir" ]; then
        local log
        for log in "$dir"/*.log; do
            [ ! -s "$log" ] || { say "--- last lines of $(basename "$log")"; tail -n 15 "$log"; }
        done
    fi
    if ! $keep || [ $status -ne 0 ]; then testbed_down; fi
    say ""
    if [ $status -eq 0 ]; then say "All checks succeeded ($SECONDS s)."; else say "Demo failed, see above."; fi
    if $json; then
        jq -c --argjson ok "$([ $status -eq 0 ] && echo true || echo false)" --argjson seconds $SECONDS \
            '.ok = $ok | .seconds = $seconds' <<<"$result" >&3
    fi
    exit $status
}

prepare() {
    step "Programs"
    "$here/deps.sh"
    if [ -z "${GLB_DEMO_BIN:-}" ]; then
        (cd "$root" && cmake --preset release >/dev/null && cmake --build --preset release --target glbd glbctl glb-appliance)
    fi
}

picture() {
    cat <<'PICTURE'

   client                        node: glbd, XDP                      server
   192.0.2.10  ───────── cli0 ┌───────────────────┐ srv0 ───────── 198.51.100.20
   2001:db8:1::10             │ endpoint "branch" │             2001:db8:2::20
                              └─────────┬─────────┘             nginx on 80 and 8081
                                 under0 │ 10.1.0.1
                                        ║ GENEVE (UDP 6081)
            ┌──────────────┬────────────┴─┬──────────────┐
          fw-1           fw-2           fw-3           fw-nat
       10.1.0.11      10.1.0.12      10.1.0.13      10.1.0.14
      glb-appliance  glb-appliance  glb-appliance  nftables only:
       + nftables     + nftables     + nftables    dnat + masquerade
PICTURE
}

v4=198.51.100.20 v6=2001:db8:2::20
client() { inside client "$@"; }
traffic() { inside client python3 "$here/demo/traffic.py" "$@"; }
http_flows=400 udp_flows=200 downloads=4

# Downloads over both IP versions: checksums and throughput.
show_downloads() {
    local expected sum bytes=0 equal=0 number address speeds=()
    expected=$(sha256sum <"$dir/www/file")
    for ((number = 0; number < downloads; number++)); do
        address=$v4; [ $((number % 2)) -eq 0 ] || address="[$v6]"
        speeds+=("$(client curl -sS --max-time 60 -o "$dir/got" -w '%{speed_download}' "http://$address/file" || echo 0)")
        sum=$(sha256sum <"$dir/got")
        [ "$sum" = "$expected" ] || continue
        equal=$((equal + 1)) bytes=$((bytes + $(stat -c %s "$dir/got")))
    done
    record --argjson bytes $bytes '.bytesVerified = $bytes'
    check "$downloads downloads over IPv4 and IPv6, $((bytes >> 20)) MiB, SHA-256 matches the server's" [ $equal -eq $downloads ]
    say "        throughput: $(printf '%s\n' "${speeds[@]}" | jq -rs 'map(. * 8 / 1e6 | round) | "\(min) to \(max) Mbit/s"')"
}

show_traffic() {
    step "Traffic from the client to the server"
    local counts
    counts=$(traffic http $http_flows $v4 $v6)
    check "$http_flows HTTP connections, IPv4 and IPv6: $(jq .succeeded <<<"$counts") succeeded" satisfies "$counts" ".succeeded == $http_flows"
    counts=$(traffic udp $udp_flows $v4 $v6)
    check "$udp_flows UDP flows, IPv4 and IPv6: $(jq .succeeded <<<"$counts") echoed" satisfies "$counts" ".succeeded == $udp_flows"
    check "ping over IPv4" client ping -q -c 3 -i 0.2 -W 2 $v4
    check "ping over IPv6" client ping -q -c 3 -i 0.2 -W 2 $v6
    show_downloads
}

# The flows are recorded by nftables in each appliance's namespace, independently of glb's tables.
show_symmetry() {
    step "Distribution of flows over the appliances (recorded by nftables in the appliances, not by glb)"
    local captured listed total=$((http_flows + udp_flows + downloads))
    captured=$(python3 "$here/demo/capture.py" $prefix "${appliances[@]}")
    jq -r '.flows as $all | .appliances | to_entries[] | "  \(.key)\t\(.value)\t\(.value * 100 / $all | round) %\t\("#" * (.value * 40 / $all | round))"' <<<"$captured"
    record --argjson captured "$captured" '.flows = $captured.flows | .appliances = $captured.appliances | .asymmetricFlows = $captured.asymmetric'
    check "$total flows opened, $(jq .flows <<<"$captured") inspected" satisfies "$captured" ".flows == $total"
    check "flows with both directions at one appliance: $(jq .symmetric <<<"$captured"), at several: $(jq .asymmetric <<<"$captured")" \
        satisfies "$captured" ".asymmetric == 0 and .symmetric == $total"
    check "each of the four appliances has 15 % to 35 % of the flows" satisfies "$captured" ".flows as \$all | all(.appliances[]; . / \$all > 0.15 and . / \$all < 0.35)"
    listed=$(glbctl -o json flows --protocol udp --limit 0)
    check "glbctl flows lists $(jq '.flows | length' <<<"$listed") UDP flows with their targets" \
        satisfies "$listed" "(.flows | length) == $udp_flows and all(.flows[]; .target != null)"
}

show_blocking() {
    step "The firewalls block TCP port 8081"
    local number address passed=0 blocked
    check "the server listens on port 8081" inside server curl -sSf --max-time 2 -o /dev/null http://127.0.0.1:8081/hello
    for ((number = 0; number < 16; number++)); do
        address=$v4; [ $((number % 2)) -eq 0 ] || address="[$v6]"
        ! client curl -s --max-time 0.5 -o /dev/null "http://$address:8081/hello" || passed=$((passed + 1))
    done
    blocked=$(for name in "${appliances[@]}"; do inside "$name" nft -j list ruleset; done |
        jq -s '[.[].nftables[].rule? | select(.comment // "" | startswith("blocked port")) | .expr[].counter?.packets // 0] | add')
    [ $passed -ne 0 ] || [ "$blocked" -lt 16 ] || record '.blockedByFirewall = true'
    check "$passed of 16 connections passed, and the firewalls dropped $blocked packets" satisfies "$result" .blockedByFirewall
}

show_failure() {
    step "fw-2 is killed while a connection is opened every 50 ms"
    local outage
    outage=$(traffic outage 9 "$(cat "$dir/fw-2.pid")" $v4 $v6)
    record --argjson outage "$outage" '.lostAfterKill = $outage.failedAfter'
    check "no connection failed before" satisfies "$outage" '.failedBefore == 0'
    check "$(jq .failedAfter <<<"$outage") new connections failed, the last one $(jq .lastFailureSeconds <<<"$outage") s after the kill; $(jq .succeededSince <<<"$outage") succeeded since" \
        satisfies "$outage" '.lastFailureSeconds < 5 and .succeededSince >= 40'
    check "glb reports fw-2 as unhealthy and the others as healthy" \
        satisfies "$(glbctl -o json targets)" 'all(.targets[]; .state == (if .id == "fw-2" then "unhealthy" else "healthy" end))'
    glbctl targets | sed 's/^/  /'
}

show_commands() {
    cat <<COMMANDS

The testbed keeps running. Commands to explore it:
  glbctl() { "$bin/glbctl" --socket $dir/run/glbd.sock "\$@"; }
  glbctl status; glbctl targets; glbctl flows --limit 20; glbctl drops
  nsenter --net=/run/netns/${prefix}client curl http://$v4/hello
  nsenter --net=/run/netns/${prefix}fw-1 nft list table inet firewall
  nsenter --net=/run/netns/${prefix}fw-1 tcpdump -c 4 -ni eth0 udp port 6081   # GENEVE as an appliance receives it
  "$here/demo.sh" --down
COMMANDS
}

healthy() { glbctl -o json targets | jq -e 'all(.targets[]; .state == "healthy")'; }

[ "$(id -u)" -eq 0 ] || fail "needs root for network namespaces and XDP: sudo $0"
if $down; then testbed_down; say "Removed."; exit 0; fi
[ ! -e $dir ] || fail "$dir exists: a demo is running or was left running; remove it by scripts/demo.sh --down"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

prepare
step "Namespaces, links, firewalls, glbd"
mkdir -p "$dir"
testbed_links
testbed_programs
picture
wait_for 20 "four healthy appliances" healthy
show_traffic
show_symmetry
show_blocking
show_failure
if $keep && [ $failures -eq 0 ]; then show_commands; fi
