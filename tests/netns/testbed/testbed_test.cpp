#include <catch2/catch.hpp>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/capture.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("world: the node routes, flows echo, a stream loses nothing") {
    need_root();
    const TwoArm world;
    const TcpServer echo(world.server, 7000);
    const UdpEcho udp(world.server, 7001);
    CHECK(ping(world.client, TwoArm::server_address));
    CHECK(ping(world.client, TwoArm::server_address6));
    CHECK(tcp_works(world.client, TwoArm::server_address6, 7000));
    CHECK_FALSE(tcp_works(world.client, TwoArm::server_address, 7002, 500ms));

    TcpFlows flows(world.client);
    CHECK(flows.open(random_flows(300, 7000)) == 300);
    CHECK(flows.exchange() == 300);
    CHECK(echo.accepted() >= 300);

    UdpStream stream(world.client, TwoArm::server_address, 7001, 1000);
    CHECK(eventually(5s, [&] { return stream.back() >= 100; }));
    world.node.must({"ip", "link", "set", "srv0", "down"});
    const auto sent = stream.sent();
    CHECK(eventually(5s, [&] { return stream.sent() >= sent + 50; }));
    CHECK(stream.finish().lost() >= 50);
    CHECK(checksum_errors(world.client) == 0);
}

TEST_CASE("world: in one arm the router sends everything to the node, and gets it back") {
    need_root();
    const OneArm world;
    const TcpServer echo(world.server, 7000);
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000));
    CHECK(tcp_works(world.client, TwoArm::server_address6, 7000));
    world.node.must({"ip", "link", "set", "one0", "down"});
    CHECK_FALSE(tcp_works(world.client, TwoArm::server_address, 7000, 500ms));
}

TEST_CASE("world: a hairpin appliance sends GENEVE back, and the witness sees both ways") {
    need_root();
    const TwoArm world;
    const auto &appliance = *world.appliances.front();
    CHECK(http_get(world.node, "http://10.1.0.11/healthz").code == 200);
    Witness witness(appliance.ns());
    Sniffer node(world.node, "under0");
    const auto mac = [](const Namespace &ns, const std::string &dev) {
        const auto text = ns.must({"ip", "-br", "link", "show", dev});
        return text.substr(text.find(':') - 2, 17);
    };
    const Bytes frame = Eth{.dst = mac(appliance.ns(), "eth0"), .src = mac(world.node, "under0")} /
                        IPv4{.src = "10.1.0.1", .dst = "10.1.0.11"} /
                        Udp{.sport = 0xc001, .dport = 6081, .checksum = 0} /
                        Geneve{aws_options(1, 0, 0xdeadbeef)} / IPv4{} / Udp{} / Payload("hi");
    send_frame(world.node, "under0", frame);
    CHECK(node.wait_for(
        [&](const Sniffer::Frame &seen) {
            return !seen.outgoing && seen.bytes.size() == frame.size() &&
                   std::equal(frame.begin() + 34, frame.end(), seen.bytes.begin() + 34);
        },
        2s));
    REQUIRE(witness.seen().size() == 1);
    const auto &counts = witness.seen().begin()->second;
    CHECK(counts.to_appliance[0] + counts.to_appliance[1] == 1);
    CHECK(counts.back == counts.to_appliance);
    appliance.cut();
    CHECK(http_get(world.node, "http://10.1.0.11/healthz", 500ms).code == 0);
}
