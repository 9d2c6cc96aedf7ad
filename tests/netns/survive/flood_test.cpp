// Floods of eight times the flow table's size, permitted or dropped by the appliances. No established flow is
// evicted.
#include <map>

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

constexpr std::size_t capacity = 4096;

std::map<std::string, std::string> established(const Daemon &glbd) {
    std::map<std::string, std::string> flows;
    for (const auto &flow : glbd.flows({"--state", "established", "--protocol", "tcp"}))
        flows[flow.at("source")] =
            flow.at("target").get<std::string>() + flow.at("cookie").get<std::string>();
    return flows;
}

std::vector<Bytes> flood(const TwoArm &testbed, std::size_t count, unsigned seed, bool is_udp) {
    const Eth up{.dst = mac_of(testbed.node, "cli0"), .src = mac_of(testbed.client, "eth0")};
    std::mt19937 random(seed);
    std::vector<Bytes> frames;
    for (std::size_t i = 0; i < count; i++) {
        const IPv4 ip{.src = fmt::format("203.0.113.{}", 1 + random() % 254)};
        const auto port = static_cast<std::uint16_t>(random());
        frames.push_back(is_udp ? Packet(up) / ip / Udp{.sport = port, .dport = 9} / Payload("flood")
                                : Packet(up) / ip / Tcp{.sport = port, .dport = 9, .flags = tcp::syn});
    }
    return frames;
}

} // namespace

TEST_CASE("flood: new flows of eight times the table's size evict no established flow") {
    need_root();
    const bool is_permitted = GENERATE(true, false);
    const bool is_udp = GENERATE(false, true);
    const TwoArm testbed({.appliances = 2});
    const TcpServer echo(testbed.server, 7000);
    // The server does not respond on port 9: neither by a RST nor by an ICMP error.
    testbed.server.must({"nft", "table inet quiet { chain c { type filter hook prerouting priority raw;"
                                " tcp dport 9 drop; udp dport 9 drop; }; }"});
    if (!is_permitted)
        // Inner destination port: 8 + 40 + 20 + 2 bytes after the start of the UDP header.
        for (const auto &appliance : testbed.appliances)
            appliance->ns().must({"nft",
                                  "table ip block { chain c { type filter hook prerouting priority raw;"
                                  " udp dport 6081 @th,384,4 4 @th,560,16 9 drop; }; }"});
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    manifest["node"]["flowTable"]["capacity"] = capacity;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    TcpFlows flows(testbed.client);
    REQUIRE(flows.open(random_flows(2000, 7000), 30s) == 2000);
    REQUIRE(flows.exchange() == 2000);
    const auto before = established(glbd);
    REQUIRE(before.size() >= 1950);
    const auto forwarded_before = glbd.counter("forwarded");
    send_frames(testbed.client, "eth0", flood(testbed, 8 * capacity, 11, is_udp));
    const auto after = established(glbd);
    std::size_t lost = 0;
    for (const auto &[source, cookie] : before)
        lost += !after.contains(source) || after.at(source) != cookie;
    INFO(fmt::format("permitted {}, UDP {}\n{}", is_permitted, is_udp, glbd.log()));
    CHECK(lost == 0);
    CHECK(flows.exchange() == 2000);
    // The appliances permitted or dropped the flood as intended.
    const auto returned = glbd.counter("forwarded") - forwarded_before;
    CHECK((is_permitted ? returned > 4 * capacity : returned < 2 * capacity));
    record_scenario(fmt::format("flood of {}, {} by the appliances", is_udp ? "UDP" : "SYNs",
                                is_permitted ? "permitted" : "dropped"),
                    {before.size(), lost, {}, "established flows"});
}

TEST_CASE("source limit: newFlowsPerSourcePerSecond limits one source and no other flow") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    manifest["endpoints"][0]["newFlowsPerSourcePerSecond"] = 20;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    TcpFlows established_before(testbed.client);
    REQUIRE(established_before.open({{"203.0.113.7", "198.51.100.20", 0, 7000}}) == 1);
    const Eth up{.dst = mac_of(testbed.node, "cli0"), .src = mac_of(testbed.client, "eth0")};
    std::vector<Bytes> frames;
    for (std::uint16_t port = 10000; port < 15000; port++)
        frames.push_back(up / IPv4{.src = "203.0.113.7"} / Tcp{.sport = port, .dport = 9, .flags = tcp::syn});
    const auto started = std::chrono::steady_clock::now();
    send_frames(testbed.client, "eth0", frames);
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    std::uint64_t passed = 0;
    const bool limited = eventually(10s, [&] { // the last frames may still be in flight
        passed = frames.size() - glbd.drop("source_limit");
        return static_cast<double>(passed) <= 21 + 20 * (seconds + 1);
    });
    INFO(passed << " passed in " << seconds << " s\n" << glbd.log());
    CHECK(limited);
    CHECK(passed >= 20);
    const auto established_served = established_before.exchange();
    CHECK(established_served == 1); // the limit applies to new flows only
    TcpFlows others(testbed.client);
    std::vector<FlowTuple> tuples;
    for (int host = 100; host < 140; host++)
        tuples.push_back({fmt::format("203.0.113.{}", host), "198.51.100.20", 0, 7000});
    CHECK(others.open(tuples) == tuples.size());
    const auto others_served = others.exchange();
    CHECK(others_served == tuples.size());
    const auto flows = tuples.size() + 1;
    record_scenario("flood of one source, limited",
                    {flows, flows - others_served - established_served, {}, "other or established flows"});
}
