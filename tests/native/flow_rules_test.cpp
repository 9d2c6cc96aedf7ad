// What packets may do to the flow table, seen from its list of flows.
#include <catch2/catch.hpp>

#include <algorithm>

#include <fmt/format.h>

#include "tests/native/two_legs.h"

using namespace glb::test;
using namespace std::chrono_literals;
using glb::datapath::FlowState;

namespace {

constexpr const char *client = "192.0.2.10", *server = "198.51.100.20";

Packet segment(std::uint16_t port, std::uint8_t flags, bool by_client = true) {
    if (by_client)
        return IPv4{.src = client, .dst = server} / Tcp{.sport = port, .dport = 443, .flags = flags};
    return IPv4{.src = server, .dst = client} / Tcp{.sport = 443, .dport = port, .flags = flags};
}
Packet data(std::uint16_t port, std::uint8_t flags = tcp::ack, bool by_client = true) {
    return segment(port, flags, by_client) / Payload{"data"};
}

} // namespace

TEST_CASE("flow rules: segments of one side alone establish no flow", "[flow_rules]") {
    TwoLegs rig;
    const std::uint8_t flags[] = {0,        tcp::syn, tcp::syn | tcp::ack, tcp::ack,
                                  tcp::rst, tcp::fin, tcp::fin | tcp::ack, tcp::rst | tcp::ack};
    // All orders of three of them, each with and without data, and then data.
    std::uint16_t port = 1000;
    for (const auto first : flags)
        for (const auto second : flags)
            for (const auto third : flags) {
                ++port;
                for (const auto next : {first, second, third, std::uint8_t{tcp::ack}}) {
                    (void)rig.round_trip(segment(port, next));
                    (void)rig.round_trip(data(port, next));
                }
            }
    CHECK(rig.count_flows(FlowState::established) == 0);
    CHECK(rig.count_flows(FlowState::closing) == 0);
    CHECK(rig.count_flows(FlowState::unconfirmed) > 0);
}

TEST_CASE("flow rules: a RST of an established flow is undone by data", "[flow_rules]") {
    TwoLegs rig;
    for (const auto &[flags, by_client] :
         {std::pair{tcp::syn, true}, {tcp::syn | tcp::ack, false}, {tcp::ack, true}})
        REQUIRE(rig.round_trip(segment(40000, static_cast<std::uint8_t>(flags), by_client)));
    REQUIRE(rig.count_flows(FlowState::established) == 1);
    REQUIRE(rig.round_trip(segment(40000, tcp::rst, false)));
    REQUIRE(rig.count_flows(FlowState::closed) == 1);
    REQUIRE(rig.round_trip(data(40000)));
    CHECK(rig.count_flows(FlowState::established) == 1);
    CHECK(rig.count(GLB_COUNT_FLOW_REOPENED) == 1);
}

TEST_CASE("flow rules: a permitted flood evicts no one-way flow that is in use", "[flow_rules]") {
    const bool flood_is_tcp = GENERATE(true, false);
    TwoLegs rig;
    const auto one_way = [](std::uint16_t port) -> Packet {
        if (port % 2)
            return IPv4{.src = "192.0.2.99", .dst = server} / Udp{.sport = port, .dport = 514} /
                   Payload{"syslog"};
        return IPv4{.src = "192.0.2.99", .dst = server} / Tcp{.sport = port, .dport = 443, .flags = tcp::ack};
    };
    const auto use = [&] {
        for (std::uint16_t port = 1; port <= 30; ++port)
            CHECK(rig.round_trip(one_way(port)));
        rig.advance(200ms);
    };
    for (int round = 0; round < 15; ++round)
        use();
    const auto began = rig.flows();
    REQUIRE(began.size() == 30);
    // Eight times the size of the table.
    std::uint32_t flow = 0;
    const auto flood = [&] {
        const auto source =
            IPv4{.src = fmt::format("100.{}.{}.{}", flow >> 16, flow >> 8 & 255, flow & 255), .dst = server};
        ++flow;
        const Packet packet = flood_is_tcp ? source / Tcp{.sport = 9, .dport = 443, .flags = tcp::syn}
                                           : source / Udp{.sport = 9, .dport = 53};
        CHECK(rig.round_trip(packet));
        if (!flood_is_tcp)
            CHECK(rig.round_trip(packet)); // and again: that alone is no one-way flow
    };
    for (int round = 0; round < 4; ++round) { // each replaces the whole table between two packets of a flow
        for (std::uint32_t i = 0; i < 2 * GLB_FLOW_MIN_CAPACITY; ++i)
            flood();
        use();
    }
    const auto live = rig.flows();
    for (const auto &before : began)
        CHECK(std::ranges::count_if(live, [&](const auto &row) {
                  return row.cookie == before.cookie && row.start_tick == before.start_tick &&
                         row.source == before.source;
              }) == 1);
    CHECK(rig.count(GLB_COUNT_FLOW_REPLACED) > 10000);
}

TEST_CASE("flow rules: a handshake that stays at a draining target is a flow of that target",
          "[flow_rules]") {
    TwoLegs rig;
    for (const auto &[flags, by_client] :
         {std::pair{tcp::syn, true}, {tcp::syn | tcp::ack, false}, {tcp::ack, true}})
        REQUIRE(rig.round_trip(segment(40000, static_cast<std::uint8_t>(flags), by_client)));
    const auto target = rig.flows().at(0).meta.target();
    rig.kernel.rows<__u64>("glb_target_state")[target] =
        GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC;
    // The client has lost its connection and takes the same port; the idle timeout of the flow ends meanwhile.
    rig.advance(349s);
    REQUIRE(rig.round_trip(segment(40000, tcp::syn)));
    rig.advance(29s);
    REQUIRE(rig.flows().size() == 1);
    CHECK(rig.flows().at(0).meta.target() == target);
    // One whose entry has ended goes to a target that accepts new flows.
    rig.advance(400s);
    REQUIRE(rig.round_trip(segment(40000, tcp::syn)));
    CHECK(rig.flows().at(0).meta.target() == 1 - target);
}
