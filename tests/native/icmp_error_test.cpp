// ICMP errors, however short their quote, change no flow.
#include <catch2/catch.hpp>

#include <algorithm>

#include <linux/bpf.h>

#include "tests/native/two_legs.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// Everything about the flows that is listed, but for packet counters.
std::vector<std::array<std::uint64_t, 3>> states(const TwoLegs &rig) {
    std::vector<std::array<std::uint64_t, 3>> all;
    for (const auto &row : rig.flows())
        all.push_back({row.cookie, row.meta.word, row.start_tick});
    return all;
}
std::uint64_t packets(const TwoLegs &rig) {
    std::uint64_t sum = 0;
    for (const auto &row : rig.flows())
        sum += row.out.packets + row.back.packets;
    return sum;
}

struct Family {
    Packet error_header, error_icmp, tcp_flow, other_flow;
    std::size_t whole_quote; ///< bytes that name the flow
};

Family ipv4() {
    const IPv4 from_host{.src = "192.0.2.10", .dst = "198.51.100.20"};
    return {IPv4{.src = "198.51.100.20", .dst = "192.0.2.10"}, icmp_unreachable(1),
            from_host / Tcp{.sport = 1000, .dport = 80, .flags = tcp::ack}, from_host / icmp_echo(0, 1), 28};
}
Family ipv6() {
    const IPv6 from_host{.src = "2001:db8::10", .dst = "2001:db8:ffff::20"};
    return {IPv6{.src = "2001:db8:ffff::20", .dst = "2001:db8::10"}, icmp6_unreachable(1),
            from_host / Tcp{.sport = 1000, .dport = 80, .flags = tcp::ack}, from_host / icmp6_echo(0, 1), 48};
}

} // namespace

TEST_CASE("ICMP error: a quote of any length creates, confirms, renews and closes no flow", "[icmp_error]") {
    const auto family = GENERATE(0, 1) ? ipv6() : ipv4();
    TwoLegs rig;
    for (const auto &flow : {family.tcp_flow, family.other_flow})
        REQUIRE(rig.round_trip(flow));
    const auto before = states(rig);
    REQUIRE(before.size() == 2);
    rig.advance(2s);
    for (const auto &flow : {family.tcp_flow, family.other_flow}) {
        const auto quoted = flow.bytes();
        for (std::size_t length = 0; length <= quoted.size(); ++length) {
            CAPTURE(length);
            const auto counted = packets(rig);
            const Packet error = family.error_header / family.error_icmp / Payload{truncated(quoted, length)};
            CHECK(rig.round_trip(error));
            CHECK(states(rig) == before);
            // One that names its flow is counted there, both ways; any other belongs to none.
            CHECK(packets(rig) - counted == (length >= family.whole_quote ? 2 : 0));
        }
    }
    CHECK(rig.count(GLB_COUNT_FLOW_NEW) + rig.count(GLB_COUNT_FLOW_MIDSTREAM) == 2);
}

TEST_CASE("ICMP error: does not move a flow whose target is gone", "[icmp_error]") {
    TwoLegs rig;
    const auto family = ipv4();
    REQUIRE(rig.round_trip(family.tcp_flow));
    const auto before = states(rig);
    const auto target = rig.flows().at(0).meta.target();
    rig.kernel.rows<__u64>("glb_target_state")[target] = 0;
    const auto sent = rig.out(family.error_header / family.error_icmp / family.tcp_flow);
    REQUIRE(sent.code == XDP_REDIRECT);
    CHECK((sent.frame.at(5) == target2_mac.bytes[5]) != (target == 1));
    CHECK(states(rig) == before);
    REQUIRE(rig.round_trip(family.tcp_flow));
    CHECK(rig.flows().at(0).meta.target() == 1 - target);
    CHECK(TwoLegs::is_sent(rig.back(sent.frame))); // the flow's target by now
}
