// Traffic that is not inspected is not disturbed: local traffic of the node, of other hosts and of the
// appliances.
#include <catch2/catch.hpp>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/capture.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    Fixture() : glbd(testbed.node) {
        glbd.start(testbed.manifest());
        if (!glbd.wait_healthy(1))
            throw std::runtime_error("target not healthy: " + glbd.log());
    }
    [[nodiscard]] const Namespace &appliance() const { return testbed.appliances.front()->ns(); }

    TwoArm testbed;
    Daemon glbd;
};

} // namespace

TEST_CASE("host services: SSH and BGP to the address of the ingress interface are local and not inspected") {
    need_root();
    const Fixture fixture;
    const TcpServer ssh(fixture.testbed.node, 22), bgp(fixture.testbed.node, 179);
    Capture capture(fixture.appliance());
    const auto local = fixture.glbd.counter("local");
    for (const std::uint16_t port : {std::uint16_t{22}, std::uint16_t{179}}) {
        CHECK(tcp_works(fixture.testbed.client, "192.0.2.1", port));
        CHECK(tcp_works(fixture.testbed.client, "2001:db8:1::1", port));
    }
    CHECK(ping(fixture.testbed.client, "192.0.2.1"));
    CHECK(capture.flows().empty());
    CHECK(fixture.glbd.counter("local") >= local + 12);
}

TEST_CASE("host services: traffic to the address of another interface of the node is inspected, then local") {
    need_root();
    const Fixture fixture;
    const TcpServer ssh(fixture.testbed.node, 22);
    Capture capture(fixture.appliance());
    INFO(fixture.glbd.log());
    CHECK(ping(fixture.testbed.client, "198.51.100.1"));
    CHECK(tcp_works(fixture.testbed.client, "198.51.100.1", 22));
    CHECK_FALSE(capture.flows().empty());
    CHECK(fixture.glbd.counter("punted") >= 3);
}

TEST_CASE("host services: download of an appliance through the node is intact") {
    need_root();
    const Fixture fixture;
    const Nginx nginx(fixture.testbed.server, {"80"}, 3'000'000);
    const auto answer = http_get(fixture.appliance(), "http://198.51.100.20/file");
    INFO(answer.error << "\n" << fixture.glbd.log());
    CHECK(answer.sha256 == nginx.sha256());
}

TEST_CASE("host services: DHCP on the ingress interface works") {
    need_root();
    const Fixture fixture;
    const TempFolder folder;
    const auto leases = (folder.path() / "leases").string();
    const auto dnsmasq = fixture.testbed.node.start(
        {"dnsmasq", "--keep-in-foreground", "--log-facility=-", "--log-dhcp", "--user=root",
         "--conf-file=/dev/null", "--port=0", "--interface=cli0", "--dhcp-range=192.0.2.100,192.0.2.150",
         "--dhcp-leasefile=" + (folder.path() / "given").string(), "--pid-file="});
    REQUIRE(dnsmasq.wait_for_output("DHCP, IP range", 20s));
    const auto dhclient = fixture.testbed.client.start(
        {"dhclient", "-4", "-1", "-sf", "/bin/true", "-lf", leases, "-d", "-v", "--no-pid", "eth0"});
    const bool bound =
        dhclient.wait_for_output("bound to 192.0.2.1", 30s); // dnsmasq pings an address for 3 s first
    INFO(dhclient.output() << dnsmasq.output() << fixture.glbd.log());
    CHECK(bound);
}

TEST_CASE("host services: frames of other hosts and VLANs are passed unmodified and never steered") {
    need_root();
    const Fixture fixture;
    const auto &testbed = fixture.testbed;
    Capture capture(fixture.appliance());
    Sniffer node(testbed.node, "cli0"), server(testbed.server, "eth0");
    const Mac from = mac_of(testbed.client, "eth0"), to = mac_of(testbed.node, "cli0");
    const std::vector<Bytes> frames = {
        Eth{.dst = "02:00:00:00:99:01", .src = from} / IPv4{} / Udp{.dport = 4001} / Payload("other host"),
        Eth{.dst = "ff:ff:ff:ff:ff:ff", .src = from} / IPv4{} / Udp{.dport = 4002} / Payload("broadcast"),
        Eth{.dst = to, .src = from} / Vlan{200} / IPv4{} / Udp{.dport = 4003} / Payload("other VLAN"),
    };
    send_frames(testbed.client, "eth0", frames);
    for (const auto &frame : frames)
        CHECK(node.wait_for([&](const auto &seen) { return !seen.outgoing && seen.bytes == frame; }, 2s));
    // A steered frame comes last: when it arrives, all frames before it have been processed.
    const Bytes last = Eth{.dst = to, .src = from} / IPv4{} / Udp{.dport = 4009} / Payload("last");
    send_frame(testbed.client, "eth0", last);
    CHECK(server.wait_for(
        [](const auto &seen) {
            return seen.bytes.size() >= 38 && seen.bytes[36] == 0x0f && seen.bytes[37] == 0xa9;
        },
        2s));
    std::size_t udp = 0;
    for (const auto &[flow, seen] : capture.flows())
        udp += flow.ip_proto == IPPROTO_UDP;
    CHECK(udp == 1);
}
