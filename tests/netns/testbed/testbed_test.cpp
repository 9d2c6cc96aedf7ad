#include <catch2/catch.hpp>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/capture.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("testbed: TCP flows and UDP streams are echoed, and a link failure is counted as loss") {
    need_root();
    const TwoArm testbed;
    const TcpServer echo(testbed.server, 7000);
    const UdpEcho udp(testbed.server, 7001);
    CHECK(ping(testbed.client, TwoArm::server_address));
    CHECK(ping(testbed.client, TwoArm::server_address6));
    CHECK(tcp_works(testbed.client, TwoArm::server_address6, 7000));
    CHECK_FALSE(tcp_works(testbed.client, TwoArm::server_address, 7002, 500ms));

    TcpFlows flows(testbed.client);
    CHECK(flows.open(random_flows(300, 7000)) == 300);
    CHECK(flows.exchange() == 300);
    CHECK(echo.accepted() >= 300);

    UdpStream stream(testbed.client, TwoArm::server_address, 7001, 1000);
    CHECK(eventually(5s, [&] { return stream.echoed() >= 100; }));
    testbed.node.must({"ip", "link", "set", "srv0", "down"});
    const auto sent = stream.sent();
    CHECK(eventually(5s, [&] { return stream.sent() >= sent + 50; }));
    CHECK(stream.finish().lost() >= 50);
    CHECK(checksum_errors(testbed.client) == 0);
}

TEST_CASE("testbed: the one-arm router sends all traffic through the node") {
    need_root();
    const OneArm testbed;
    const TcpServer echo(testbed.server, 7000);
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000));
    CHECK(tcp_works(testbed.client, TwoArm::server_address6, 7000));
    testbed.node.must({"ip", "link", "set", "one0", "down"});
    CHECK_FALSE(tcp_works(testbed.client, TwoArm::server_address, 7000, 500ms));
}

TEST_CASE("testbed: hairpin appliance returns GENEVE, and the capture counts both directions") {
    need_root();
    const TwoArm testbed;
    const auto &appliance = *testbed.appliances.front();
    CHECK(http_get(testbed.node, "http://10.1.0.11/healthz").code == 200);
    Capture capture(appliance.ns());
    Sniffer node(testbed.node, "under0");
    const auto mac = [](const Namespace &ns, const std::string &dev) {
        const auto text = ns.must({"ip", "-br", "link", "show", dev});
        return text.substr(text.find(':') - 2, 17);
    };
    const Bytes frame = Eth{.dst = mac(appliance.ns(), "eth0"), .src = mac(testbed.node, "under0")} /
                        IPv4{.src = "10.1.0.1", .dst = "10.1.0.11"} /
                        Udp{.sport = 0xc001, .dport = 6081, .checksum = 0} /
                        Geneve{aws_options(1, 0, 0xdeadbeef)} / IPv4{} / Udp{} / Payload("hi");
    send_frame(testbed.node, "under0", frame);
    CHECK(node.wait_for(
        [&](const Sniffer::Frame &seen) {
            return !seen.outgoing && seen.bytes.size() == frame.size() &&
                   std::equal(frame.begin() + 34, frame.end(), seen.bytes.begin() + 34);
        },
        2s));
    REQUIRE(capture.flows().size() == 1);
    const auto &counts = capture.flows().begin()->second;
    CHECK(counts.to_appliance[0] + counts.to_appliance[1] == 1);
    CHECK(counts.from_appliance == counts.to_appliance);
    appliance.disconnect();
    CHECK(http_get(testbed.node, "http://10.1.0.11/healthz", 500ms).code == 0);
}
