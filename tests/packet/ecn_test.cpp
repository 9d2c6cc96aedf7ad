// The effect of congestion marks on the tunnel on the packet inside (RFC 6040, section 4.2).
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr std::uint8_t not_ect = 0, ect1 = 1, ect0 = 2, ce = 3;

/// The resulting mark, by inner and outer mark. For Not-ECT inside CE the RFC demands a drop; the packet is
/// forwarded unchanged and counted.
constexpr std::uint8_t becomes[4][4] = {
    // outer: Not-ECT, ECT(1), ECT(0), CE
    {not_ect, not_ect, not_ect, not_ect}, // inner: Not-ECT
    {ect1, ect1, ect1, ce},               // ECT(1)
    {ect0, ect1, ect0, ce},               // ECT(0)
    {ce, ce, ce, ce},                     // CE
};

/// The decapsulated frame of a packet whose outer header was marked.
Outcome through_tunnel(Rig &rig, const Packet &inner, std::uint8_t outer_tos) {
    const auto out = rig.send(from_client(inner));
    REQUIRE(out.code == XDP_REDIRECT);
    const bool second = out.frame.at(5) == target2_mac.bytes[5];
    return rig.send((Eth{.dst = node_mac, .src = second ? target2_mac : target_mac} / Vlan{7} /
                     IPv4{.src = second ? "10.0.1.21" : "10.0.1.20", .dst = "10.0.1.10", .tos = outer_tos} /
                     Udp{.sport = entropy_of(out.frame), .dport = 6081, .checksum = 0} /
                     Geneve{.options = aws_options(endpoint_id, 0, cookie_of(out.frame))} / inner)
                        .bytes());
}

Bytes packet_of(const Outcome &outcome) {
    REQUIRE(outcome.code == XDP_PASS); // punted: this rig has no route
    return {outcome.frame.begin() + 14, outcome.frame.end()};
}

} // namespace

TEST_CASE("ecn: every inner and outer mark gives the RFC 6040 result with DSCP and checksum intact",
          "[ecn]") {
    Rig rig;
    std::uint64_t counted = 0;
    for (std::uint8_t inner = 0; inner < 4; ++inner)
        for (std::uint8_t outer = 0; outer < 4; ++outer) {
            CAPTURE(inner, outer);
            // The outer DSCP does not affect the inner one.
            const std::uint8_t outer_tos = 0x28 | outer, inner_tos = 0xb8 | inner;
            const std::uint8_t expected = 0xb8 | becomes[inner][outer];
            for (const auto id : std::initializer_list<std::uint16_t>{0, 0x3a1b, 0x7fff, 0xc0de, 0xffff}) {
                const Packet rest = Udp{} / Payload{from_string("marked")};
                const auto sent = IPv4{.tos = inner_tos, .id = id}, wanted = IPv4{.tos = expected, .id = id};
                CHECK_THAT(packet_of(through_tunnel(rig, sent / rest, outer_tos)),
                           equals((wanted / rest).bytes()));
                counted += inner == not_ect && outer == ce;
            }
            const Packet rest = Tcp{.flags = tcp::syn};
            const IPv6 sent{.traffic_class = inner_tos, .flow_label = 0xabcde};
            const IPv6 wanted{.traffic_class = expected, .flow_label = 0xabcde};
            CHECK_THAT(packet_of(through_tunnel(rig, sent / rest, outer_tos)),
                       equals((wanted / rest).bytes()));
            counted += inner == not_ect && outer == ce;
            CHECK(rig.count(GLB_COUNT_ECN_CE_NOT_ECT) == counted);
        }
    CHECK(counted == 6);
}
