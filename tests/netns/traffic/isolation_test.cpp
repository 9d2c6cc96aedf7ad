// Packets that must not leave the node, and those that its own stack has to forward.
#include <algorithm>
#include <thread>

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    Fixture() : glbd(testbed.node) {
        auto manifest = testbed.manifest();
        manifest["targetGroups"][0]["onAllUnhealthy"] = "bypass";
        glbd.start(manifest);
        if (!glbd.wait_healthy(1) || !ping(testbed.client, TwoArm::server_address))
            throw std::runtime_error("traffic does not pass: " + glbd.log());
    }
    [[nodiscard]] bool is_degraded(const std::string &what) const {
        const auto status = glbd.must_ctl({"status"});
        for (const auto &condition : status.at("degraded"))
            if (condition.at("what") == what)
                return true;
        return false;
    }
    void send(const std::vector<Packet> &packets) const {
        std::vector<Bytes> frames;
        for (const auto &packet : packets)
            frames.push_back(Eth{.dst = mac_of(testbed.node, "cli0"), .src = mac_of(testbed.client, "eth0")} /
                             packet);
        send_frames(testbed.client, "eth0", frames);
    }

    TwoArm testbed;
    Daemon glbd;
};

bool has_text(const Sniffer::Frame &frame, const std::string &text) {
    return !frame.outgoing &&
           std::string(frame.bytes.begin(), frame.bytes.end()).find(text) != std::string::npos;
}

/// Frames with `text` that have arrived when `time` is over.
std::size_t arrivals(Sniffer &sniffer, const std::string &text, milliseconds time) {
    std::this_thread::sleep_for(time);
    return static_cast<std::size_t>(std::ranges::count_if(
        sniffer.frames(), [&](const Sniffer::Frame &frame) { return has_text(frame, text); }));
}

/// Of `sent` packets, `passed` arrived where none may.
void check_none(const std::string &scenario, std::size_t sent, std::size_t passed) {
    CHECK(passed == 0);
    record_scenario(scenario, {sent, passed, {}, "packets", "passed"});
}

} // namespace

TEST_CASE("isolation: a client's packets in the node's name reach neither an appliance nor a server") {
    need_root();
    const Fixture fixture;
    const auto &fw = fixture.testbed.appliances.front()->ns();
    Sniffer appliance(fw, "eth0"), server(fixture.testbed.server, "eth0");
    const Packet geneve = Udp{.sport = 50000, .dport = 6081} /
                          Geneve{.options = aws_options(0x1122334455667788, 0, 1)} / IPv4{} / Udp{} /
                          Payload("forged in a tunnel");
    std::vector<Packet> packets;
    for (const auto *source : {"10.1.0.1", "198.51.100.1", "127.0.0.1", "0.0.0.0"})
        for (const auto *destination : {"10.1.0.11", TwoArm::server_address})
            packets.push_back(IPv4{.src = source, .dst = destination} / geneve);
    packets.push_back(IPv6{.src = "2001:db8:2::1", .dst = TwoArm::server_address6} / Udp{} /
                      Payload("forged"));
    const auto dropped = fixture.glbd.drop("martian");
    fixture.send(packets);
    // A frame that is inspected comes last: when it arrives, all before it have been processed.
    fixture.send({IPv4{} / Udp{.dport = 4009} / Payload("the last one")});
    CHECK(server.wait_for([](const auto &seen) { return has_text(seen, "the last one"); }, 2s));
    CHECK(fixture.glbd.drop("martian") == dropped + packets.size());
    check_none("sent in the node's name", packets.size(),
               arrivals(appliance, "forged", 100ms) + arrivals(server, "forged", 0ms));
}

TEST_CASE("isolation: packets that an IPsec policy blocks do not pass, and others do again without it") {
    need_root();
    const Fixture fixture;
    const auto &node = fixture.testbed.node;
    const std::string direction = GENERATE("fwd", "out");
    node.must({"ip", "xfrm", "policy", "add", "src", "192.0.2.0/24", "dst", "198.51.100.0/24", "dir",
               direction, "action", "block"});
    const bool is_known = eventually(5s, [&] { return fixture.is_degraded("ipsec-policy"); });
    INFO(fixture.glbd.log());
    REQUIRE(is_known);
    Sniffer server(fixture.testbed.server, "eth0");
    const auto punted = fixture.glbd.counter("punted");
    std::vector<Packet> packets;
    for (std::uint16_t port = 1; port <= 20; ++port)
        packets.push_back(IPv4{} / Udp{.sport = port, .dport = 4001} / Payload("blocked by policy"));
    fixture.send(packets);
    CHECK(eventually(2s, [&] { return fixture.glbd.counter("punted") >= punted + 20; }));
    check_none("blocked by an IPsec policy, " + direction, packets.size(),
               arrivals(server, "blocked by policy", 200ms));
    CHECK(ping(fixture.testbed.client, "2001:db8:2::20")); // which no policy matches

    node.must({"ip", "xfrm", "policy", "flush"});
    CHECK(eventually(5s, [&] { return !fixture.is_degraded("ipsec-policy"); }));
    CHECK(ping(fixture.testbed.client, TwoArm::server_address));
}

TEST_CASE("isolation: a node that loses its tunnel address neither sends nor bypasses until it is back") {
    need_root();
    const Fixture fixture;
    const auto &node = fixture.testbed.node;
    Sniffer server(fixture.testbed.server, "eth0");
    node.must({"ip", "addr", "del", "10.1.0.1/24", "dev", "under0"});
    const auto dropped = [&] { return fixture.glbd.drop("no_tunnel_address"); };
    CHECK(eventually(3s, [&] {
        fixture.send({IPv4{} / Udp{.dport = 4001} / Payload("before")});
        return dropped() > 0;
    }));
    // Health checks fail meanwhile, since they cannot be sent.
    const auto until = std::chrono::steady_clock::now() + 4s;
    std::uint64_t sent = 0;
    while (std::chrono::steady_clock::now() < until) {
        fixture.send({IPv4{} / Udp{.dport = 4002} / Payload("uninspected")});
        ++sent;
        std::this_thread::sleep_for(20ms);
    }
    CHECK(dropped() >= sent);
    CHECK(fixture.glbd.counter("bypassed") == 0);
    check_none("no tunnel address, under bypass", sent, arrivals(server, "uninspected", 100ms));
    node.address("under0", "10.1.0.1/24");
    CHECK(eventually(10s, [&] { return ping(fixture.testbed.client, TwoArm::server_address, 1); }));
}

TEST_CASE("isolation: a VM behind a bridge with an endpoint's interface reaches the host's other networks") {
    need_root();
    const TwoArm testbed;
    const auto &node = testbed.node;
    const Namespace vm("vm"), other("other");
    node.sysctl("net/bridge/bridge-nf-call-iptables", GENERATE("0", "1"));
    node.must({"ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"});
    veth(vm, "eth0", node, "vm0");
    veth(other, "eth0", node, "ext0");
    node.must({"ip", "addr", "flush", "dev", "cli0"});
    for (const std::string port : {"cli0", "vm0"})
        node.must({"ip", "link", "set", port, "master", "br0"});
    node.must({"ip", "link", "set", "br0", "up"});
    node.address("br0", "192.0.2.1/24");
    node.address("ext0", "198.18.0.1/24");
    vm.address("eth0", "192.0.2.50/24");
    vm.route("default", "192.0.2.1");
    other.address("eth0", "198.18.0.2/24");
    other.route("default", "198.18.0.1");
    REQUIRE(eventually(5s, [&] { return ping(vm, "198.18.0.2", 1); }));
    REQUIRE(ping(vm, TwoArm::client_address));

    Daemon glbd(node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    CHECK(ping(vm, "198.18.0.2"));
    CHECK(ping(vm, TwoArm::client_address)); // bridged
    CHECK(ping(testbed.client, TwoArm::server_address));
    CHECK(glbd.counter("encapsulated") >= 6);
    CHECK(glbd.uninspected() == 0);
}
