# Sourced: two clients, two servers, an appliance, each in a namespace; the node is the guest's own namespace.
# Both servers have the same address. The second is reached by table 100 only.
link() { # link NAMESPACE DEVICE MTU: eth0 of NAMESPACE to DEVICE of the node
    ip link add "$2" mtu "$3" type veth peer name eth0 mtu "$3" netns "$1"
    ip link set "$2" up
    inside "$1" ip link set eth0 up
    inside "$1" ethtool -K eth0 gro on tx off >/dev/null
    ethtool -K "$2" gro on tx off >/dev/null
}
host() { # host NAMESPACE ADDRESS GATEWAY
    inside "$1" ip address add "$2" dev eth0
    inside "$1" ip route add default via "$3"
}
namespaces() {
    for name in client server client2 server2 fw; do
        ip netns add $name
        inside $name ip link set lo up
    done
}
links() {
    link client cli0 1500
    link server srv0 1500
    link client2 cli1 1500
    link server2 srv1 1500
    link fw under0 1600
    host client 192.0.2.10/24 192.0.2.1
    host server 198.51.100.20/24 198.51.100.1
    host client2 203.0.113.10/24 203.0.113.1
    host server2 198.51.100.20/24 198.51.100.1
    inside fw ip address add 10.1.0.11/24 dev eth0
}
addresses() {
    ip address add 192.0.2.1/24 dev cli0
    ip address add 198.51.100.1/24 dev srv0
    ip address add 203.0.113.1/24 dev cli1
    ip address add 198.51.100.1/24 dev srv1 noprefixroute
    ip address add 10.1.0.1/24 dev under0
    ip route add 198.51.100.0/24 dev srv1 table 100
    ip route add 203.0.113.0/24 dev cli1 table 100
    sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}
servers() {
    for name in server server2; do
        mkdir -p /run/$name
        awk -v name=$name 'BEGIN { for (i = 0; i < 16000; i++) print name, i }' >/run/$name/file
        inside $name httpd -f -p 80 -h /run/$name &
    done
    inside fw glb-appliance --node 10.1.0.1 >/run/fw.log 2>&1 &
}
# download CLIENT SERVER: whether all bytes of the server's file arrive
download() {
    inside "$1" timeout 20 wget -q -O /run/got http://198.51.100.20/file && cmp -s /run/got "/run/$2/file"
}
