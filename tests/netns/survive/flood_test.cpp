// Floods of eight times the table's size, permitted and dropped by the appliances: no established flow goes.
#include <map>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/frames.h"
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

std::vector<Bytes> flood(const TwoArm &world, std::size_t count, unsigned seed, bool is_udp) {
    const Eth up{.dst = mac_of(world.node, "cli0"), .src = mac_of(world.client, "eth0")};
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

TEST_CASE("survive: a flood of eight times the table's size evicts no established flow") {
    need_root();
    const bool is_permitted = GENERATE(true, false);
    const bool is_udp = GENERATE(false, true);
    const TwoArm world({.appliances = 2});
    const TcpServer echo(world.server, 7000);
    // The server says nothing to port 9; an appliance that drops says nothing either.
    world.server.must({"nft", "table inet quiet { chain c { type filter hook prerouting priority raw;"
                              " tcp dport 9 drop; udp dport 9 drop; }; }"});
    if (!is_permitted)
        for (const auto &appliance : world.appliances) // the inner destination port: 8 + 40 + 20 + 2 bytes
                                                       // behind the UDP header's start
            appliance->ns().must({"nft",
                                  "table ip block { chain c { type filter hook prerouting priority raw;"
                                  " udp dport 6081 @th,384,4 4 @th,560,16 9 drop; }; }"});
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    manifest["node"]["flowTable"]["capacity"] = capacity;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    TcpFlows flows(world.client);
    REQUIRE(flows.open(random_flows(2000, 7000), 30s) == 2000);
    REQUIRE(flows.exchange() == 2000);
    const auto before = established(glbd);
    REQUIRE(before.size() >= 1950);
    const auto back = glbd.counter("forwarded");
    send_frames(world.client, "eth0", flood(world, 8 * capacity, 11, is_udp));
    const auto after = established(glbd);
    std::size_t gone = 0;
    for (const auto &[source, cookie] : before)
        gone += !after.contains(source) || after.at(source) != cookie;
    INFO(fmt::format("permitted {}, UDP {}\n{}", is_permitted, is_udp, glbd.log()));
    CHECK(gone == 0);
    CHECK(flows.exchange() == 2000);
    // The appliances did what the case says.
    const auto returned = glbd.counter("forwarded") - back;
    CHECK((is_permitted ? returned > 4 * capacity : returned < 2 * capacity));
    tell_drill(fmt::format("flood of {}, {} by the appliances", is_udp ? "UDP" : "SYNs",
                           is_permitted ? "permitted" : "dropped"),
               {before.size(), gone, {}, "established flows"});
}

TEST_CASE("survive: newFlowsPerSourcePerSecond stops one source's flood and nobody else's flows") {
    need_root();
    const TwoArm world({.appliances = 2});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    manifest["endpoints"][0]["newFlowsPerSourcePerSecond"] = 20;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    TcpFlows old(world.client);
    REQUIRE(old.open({{"203.0.113.7", "198.51.100.20", 0, 7000}}) == 1);
    const Eth up{.dst = mac_of(world.node, "cli0"), .src = mac_of(world.client, "eth0")};
    std::vector<Bytes> frames;
    for (std::uint16_t port = 10000; port < 15000; port++)
        frames.push_back(up / IPv4{.src = "203.0.113.7"} / Tcp{.sport = port, .dport = 9, .flags = tcp::syn});
    const auto started = std::chrono::steady_clock::now();
    send_frames(world.client, "eth0", frames);
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    std::uint64_t passed = 0;
    const bool limited = eventually(10s, [&] { // the last ones may be on their way yet
        passed = frames.size() - glbd.drop("source_limit");
        return static_cast<double>(passed) <= 21 + 20 * (seconds + 1);
    });
    INFO(passed << " passed in " << seconds << " s\n" << glbd.log());
    CHECK(limited);
    CHECK(passed >= 20);
    CHECK(old.exchange() == 1); // its own established flow goes on
    TcpFlows other(world.client);
    std::vector<FlowEnds> ends;
    for (int host = 100; host < 140; host++)
        ends.push_back({fmt::format("203.0.113.{}", host), "198.51.100.20", 0, 7000});
    CHECK(other.open(ends) == 40);
    CHECK(other.exchange() == 40);
    tell_drill("flood of one source, limited", {41, 0, {}, "flows of others"});
}
