// Traffic beside the inspected one: the node's own, other hosts', the appliances' own. All of it stays whole.
#include <catch2/catch.hpp>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/capture.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct Beside {
    Beside() : glbd(world.node) {
        glbd.start(world.manifest());
        if (!glbd.wait_healthy(1))
            throw std::runtime_error("not healthy: " + glbd.log());
    }
    [[nodiscard]] const Namespace &appliance() const { return world.appliances.front()->ns(); }

    TwoArm world;
    Daemon glbd;
};

} // namespace

TEST_CASE("beside: SSH and BGP to the node's address on the interface are the node's own") {
    need_root();
    const Beside beside;
    const TcpServer ssh(beside.world.node, 22), bgp(beside.world.node, 179);
    Witness witness(beside.appliance());
    const auto own = beside.glbd.counter("local");
    for (const std::uint16_t port : {std::uint16_t{22}, std::uint16_t{179}}) {
        CHECK(tcp_works(beside.world.client, "192.0.2.1", port));
        CHECK(tcp_works(beside.world.client, "2001:db8:1::1", port));
    }
    CHECK(ping(beside.world.client, "192.0.2.1"));
    CHECK(witness.seen().empty());
    CHECK(beside.glbd.counter("local") >= own + 12);
}

TEST_CASE("beside: the address of another of the node's interfaces is inspected first") {
    need_root();
    const Beside beside;
    const TcpServer ssh(beside.world.node, 22);
    Witness witness(beside.appliance());
    INFO(beside.glbd.log());
    CHECK(ping(beside.world.client, "198.51.100.1"));
    CHECK(tcp_works(beside.world.client, "198.51.100.1", 22));
    CHECK_FALSE(witness.seen().empty());
    CHECK(beside.glbd.counter("punted") >= 3);
}

TEST_CASE("beside: an appliance's own downloads through the node") {
    need_root();
    const Beside beside;
    const Nginx nginx(beside.world.server, {"80"}, 3'000'000);
    const auto answer = http_get(beside.appliance(), "http://198.51.100.20/file");
    INFO(answer.error << "\n" << beside.glbd.log());
    CHECK(answer.sha256 == nginx.sha256());
}

TEST_CASE("beside: DHCP on the client's side") {
    need_root();
    const Beside beside;
    const TempFolder folder;
    const auto leases = (folder.path() / "leases").string();
    const auto dnsmasq = beside.world.node.start(
        {"dnsmasq", "--keep-in-foreground", "--log-facility=-", "--log-dhcp", "--user=root",
         "--conf-file=/dev/null", "--port=0", "--interface=cli0", "--dhcp-range=192.0.2.100,192.0.2.150",
         "--dhcp-leasefile=" + (folder.path() / "given").string(), "--pid-file="});
    REQUIRE(dnsmasq.wait_for_output("DHCP, IP range", 20s));
    const auto dhclient = beside.world.client.start(
        {"dhclient", "-4", "-1", "-sf", "/bin/true", "-lf", leases, "-d", "-v", "--no-pid", "eth0"});
    const bool bound = dhclient.wait_for_output("bound to 192.0.2.1", 30s); // dnsmasq itself pings it for 3 s
    INFO(dhclient.output() << dnsmasq.output() << beside.glbd.log());
    CHECK(bound);
}

TEST_CASE("beside: frames between other hosts and other VLANs go up untouched, and are never steered") {
    need_root();
    const Beside beside;
    const auto &world = beside.world;
    Witness witness(beside.appliance());
    Sniffer node(world.node, "cli0"), server(world.server, "eth0");
    const Mac from = mac_of(world.client, "eth0"), to = mac_of(world.node, "cli0");
    const std::vector<Bytes> frames = {
        Eth{.dst = "02:00:00:00:99:01", .src = from} / IPv4{} / Udp{.dport = 4001} / Payload("other host"),
        Eth{.dst = "ff:ff:ff:ff:ff:ff", .src = from} / IPv4{} / Udp{.dport = 4002} / Payload("broadcast"),
        Eth{.dst = to, .src = from} / Vlan{200} / IPv4{} / Udp{.dport = 4003} / Payload("other VLAN"),
    };
    send_frames(world.client, "eth0", frames);
    for (const auto &frame : frames)
        CHECK(node.wait_for([&](const auto &seen) { return !seen.outgoing && seen.bytes == frame; }, 2s));
    // One that is steered comes last: what was to arrive before it has arrived.
    const Bytes last = Eth{.dst = to, .src = from} / IPv4{} / Udp{.dport = 4009} / Payload("last");
    send_frame(world.client, "eth0", last);
    CHECK(server.wait_for(
        [](const auto &seen) {
            return seen.bytes.size() >= 38 && seen.bytes[36] == 0x0f && seen.bytes[37] == 0xa9;
        },
        2s));
    std::size_t udp = 0;
    for (const auto &[flow, seen] : witness.seen())
        udp += flow.ip_proto == IPPROTO_UDP;
    CHECK(udp == 1);
}
