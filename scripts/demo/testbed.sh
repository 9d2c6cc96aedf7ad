# shellcheck shell=bash disable=SC2154
# The demo's testbed, sourced by demo.sh: namespaces, links, addresses, programs. Everything is named glb-demo-… or is
# in $dir, so that `testbed_down` finds what a killed demo left behind. demo.sh defines $bin, $here and fail.

prefix=glb-demo-
appliances=(fw-1 fw-2 fw-3 fw-nat)
namespaces=(client server node fabric "${appliances[@]}")

# Not `ip netns exec`, which mounts another /sys and hides the bpffs from glbd.
inside() { nsenter --net="/run/netns/$prefix$1" "${@:2}"; }
# start NAMESPACE NAME PROGRAM...: in the background, with its output in NAME.log and its process id in NAME.pid.
start() {
    (exec nsenter --net="/run/netns/$prefix$1" "${@:3}") >>"$dir/$2.log" 2>&1 </dev/null &
    echo $! >"$dir/$2.pid"
    disown
}
glbctl() { "$bin/glbctl" --socket "$dir/run/glbd.sock" "$@"; }

# Polls: wait_for SECONDS WHAT COMMAND...
wait_for() {
    local end=$((SECONDS + $1)) what=$2
    until "${@:3}" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "timeout after $1 s: $what"
        sleep 0.1
    done
}

# link NAMESPACE DEVICE NAMESPACE DEVICE MTU. Native XDP redirects into a veth only if its peer has GRO (or a program),
# and checksums must be complete before a packet enters a tunnel.
link() {
    ip link add "$2" netns "$prefix$1" type veth peer name "$4" netns "$prefix$3"
    local name device
    while read -r name device; do
        inside "$name" ip link set "$device" mtu "$5" up
        inside "$name" ethtool -K "$device" gro on tx off >/dev/null
    done <<<"$1 $2"$'\n'"$3 $4"
}
address() {
    local options=()
    [[ $3 != *:* ]] || options=(nodad)
    inside "$1" ip address add "$3" dev "$2" "${options[@]}"
}

testbed_links() {
    local name
    for name in "${namespaces[@]}"; do
        ip netns add "$prefix$name"
        inside "$name" ip link set lo up
    done
    link client eth0 node cli0 1500
    link server eth0 node srv0 1500
    inside fabric ip link add br0 type bridge
    inside fabric ip link set br0 up
    link node under0 fabric node 1600
    inside fabric ip link set node master br0
    local host=11
    for name in "${appliances[@]}"; do
        link "$name" eth0 fabric "$name" 1600
        inside fabric ip link set "$name" master br0
        address "$name" eth0 10.1.0.$((host++))/24
    done
    address client eth0 192.0.2.10/24;    address client eth0 2001:db8:1::10/64
    address server eth0 198.51.100.20/24; address server eth0 2001:db8:2::20/64
    address node cli0 192.0.2.1/24;       address node cli0 2001:db8:1::1/64
    address node srv0 198.51.100.1/24;    address node srv0 2001:db8:2::1/64
    address node under0 10.1.0.1/24
    inside client ip route add default via 192.0.2.1
    inside client ip -6 route add default via 2001:db8:1::1
    inside server ip route add default via 198.51.100.1
    inside server ip -6 route add default via 2001:db8:2::1
    inside node sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# nginx_start NAMESPACE PORT...: a server for the files in $dir/www.
nginx_start() {
    local name=$1 listen="" port
    for port in "${@:2}"; do listen+="listen $port; listen [::]:$port; "; done
    cat >"$dir/nginx-$name.conf" <<CONF
user root; daemon off; worker_processes 1; pid $dir/tmp-nginx-$name;
events { worker_connections 1024; }
http {
    access_log off; sendfile on;
    client_body_temp_path $dir/tmp; proxy_temp_path $dir/tmp; fastcgi_temp_path $dir/tmp;
    uwsgi_temp_path $dir/tmp; scgi_temp_path $dir/tmp;
    server { $listen root $dir/www; }
}
CONF
    start "$name" "nginx-$name" nginx -e stderr -c "$dir/nginx-$name.conf"
}

testbed_programs() {
    mkdir -p "$dir/www" "$dir/bpffs"
    echo "hello from the server" >"$dir/www/hello"
    cp "$dir/www/hello" "$dir/www/index.html"
    head -c $((64 << 20)) /dev/urandom >"$dir/www/file"
    nginx_start server 80 8081
    start server echo python3 "$here/demo/traffic.py" echo 7

    local name
    for name in "${appliances[@]}"; do
        inside "$name" nft -f "$here/demo/capture.nft"
    done
    for name in fw-1 fw-2 fw-3; do
        inside "$name" nft -f "$here/demo/firewall.nft"
        start "$name" "$name" "$bin/glb-appliance" --node 10.1.0.1
    done
    inside fw-nat sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
    inside fw-nat nft -f "$here/demo/hairpin.nft"
    nginx_start fw-nat 80

    mountpoint -q "$dir/bpffs" || mount -t bpf glb-demo "$dir/bpffs"
    start node glbd "$bin/glbd" --manifest "$here/demo/manifest.json" --state-dir "$dir/state" --run-dir "$dir/run" \
        --bpffs "$dir/bpffs/glb" --metrics 127.0.0.1:9468
    wait_for 20 "glbd answers" glbctl status
}

# Removes what testbed_links and testbed_programs created, and nothing else. May be called at any time, repeatedly.
testbed_down() {
    local name pid
    for name in "${namespaces[@]}"; do
        [ -e "/run/netns/$prefix$name" ] || continue
        for pid in $(ip netns pids "$prefix$name"); do kill -KILL "$pid" 2>/dev/null || true; done
        ip netns delete "$prefix$name"
    done
    # The killed processes may need a moment to close it.
    if mountpoint -q "$dir/bpffs"; then wait_for 5 "unmounting $dir/bpffs" umount "$dir/bpffs"; fi
    rm -rf "$dir"
}
