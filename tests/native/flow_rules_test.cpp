// What packets may do to the flow table, seen from its list of flows.
#include <catch2/catch.hpp>

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
