// The limits of parsing: what goes out can be parsed on its return, and nothing passes unparsed.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "tests/native/two_legs.h"

using namespace glb::test;

namespace {

constexpr std::size_t most_extension_bytes = 584;

/// IPv6 with a destination options header of that many bytes, a multiple of 8.
Packet with_options(std::size_t bytes, const Packet &rest) {
    const Packet ip = IPv6{.src = "2001:db8::10", .dst = "2001:db8:ffff::20"};
    return bytes ? ip / DestOptions{.data = Bytes(bytes - 2)} / rest : ip / rest;
}
Packet datagram() {
    return Udp{.sport = 5000, .dport = 53} / Payload{"a question"};
}

/// The frame in which a target returns `inner` behind the longest headers: IPv4 with 40 bytes of options, and
/// GENEVE with 252.
Bytes returned_behind_options(const Bytes &sent, const Packet &inner) {
    const bool by_second = sent.at(5) == target2_mac.bytes[5];
    auto options = aws_options(endpoint_id, 0, cookie_of(sent));
    for (const std::size_t bytes : {100, 112})
        options.push_back({.option_class = 0x0102, .option_type = 0x21, .value = Bytes(bytes)});
    return (Eth{.dst = node_mac, .src = by_second ? target2_mac : target_mac} / Vlan{7} /
            IPv4{.src = by_second ? "10.0.1.21" : "10.0.1.20", .dst = "10.0.1.10", .options = Bytes(40, 1)} /
            Udp{.sport = entropy_of(sent), .dport = 6081, .checksum = 0} / Geneve{.options = options} / inner)
        .bytes();
}

bool returns(TwoLegs &rig, const NativeOutcome &sent, const Packet &inner) {
    return TwoLegs::is_sent(rig.back(sent.frame)) &&
           TwoLegs::is_sent(rig.send(returned_behind_options(sent.frame, inner)));
}

} // namespace

TEST_CASE("parse limits: an options header of any length is parsed on both legs or on none",
          "[parse_limits]") {
    TwoLegs rig;
    for (std::size_t bytes = 0; bytes <= 1200; bytes += 8) {
        CAPTURE(bytes);
        const auto inner = with_options(bytes, datagram());
        const auto sent = rig.out(inner);
        CHECK(TwoLegs::is_sent(sent) == (bytes <= most_extension_bytes));
        if (TwoLegs::is_sent(sent))
            CHECK(returns(rig, sent, inner));
    }
    CHECK(rig.drops(GLB_DROP_SHORT_LINEAR) == (1200 - most_extension_bytes) / 8);
    CHECK(rig.drops(GLB_DROP_INNER_MALFORMED) == 0);
}

TEST_CASE("parse limits: an ICMPv6 error behind the longest options belongs to its flow on both legs",
          "[parse_limits]") {
    TwoLegs rig;
    REQUIRE(rig.round_trip(with_options(0, datagram())));
    const auto packets = [&] { return rig.flows().at(0).out.packets + rig.flows().at(0).back.packets; };
    const auto counted = packets();
    const Packet error = IPv6{.src = "2001:db8:ffff::20", .dst = "2001:db8::10"} /
                         DestOptions{.data = Bytes(most_extension_bytes - 2)} / icmp6_unreachable(1) /
                         with_options(0, datagram());
    const auto sent = rig.out(error);
    REQUIRE(TwoLegs::is_sent(sent));
    CHECK(returns(rig, sent, error));
    CHECK(packets() == counted + 3);
}

TEST_CASE("parse limits: eight extension headers are parsed, nine are malformed", "[parse_limits]") {
    TwoLegs rig;
    const auto chain = [](int headers) {
        Packet packet = IPv6{};
        for (int i = 0; i < headers; ++i)
            packet = packet / DestOptions{.data = Bytes(6)};
        return packet / datagram();
    };
    const auto sent = rig.out(chain(8));
    REQUIRE(TwoLegs::is_sent(sent));
    CHECK(returns(rig, sent, chain(8)));
    CHECK(rig.out(chain(9)).code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_MALFORMED) == 1);
}

TEST_CASE("parse limits: a first fragment without its whole header chain is malformed", "[parse_limits]") {
    TwoLegs rig;
    const auto [proto, needed] =
        GENERATE(table<std::uint8_t, std::size_t>({{6, 20}, {17, 8}, {132, 8}, {136, 8}, {58, 8}, {50, 0}}));
    CAPTURE(int{proto});
    for (std::size_t bytes = 0; bytes <= 32; ++bytes) {
        CAPTURE(bytes);
        const Payload part{Bytes(bytes)};
        const auto is_sent = [&](const Packet &packet) { return TwoLegs::is_sent(rig.out(packet)); };
        CHECK(is_sent(IPv4{.more_fragments = true, .ip_proto = proto} / part) == (bytes >= needed));
        CHECK(is_sent(IPv6{} / Fragment6{.more = true, .next_header = proto} / part) == (bytes >= needed));
        CHECK(is_sent(IPv6{} / Fragment6{.more = true} / DestOptions{.data = Bytes(6), .next_header = proto} /
                      part) == (bytes >= needed));
        // Later fragments hold no headers.
        CHECK(is_sent(IPv4{.fragment_offset = 1, .ip_proto = proto} / part));
        CHECK(is_sent(IPv6{} / Fragment6{.offset = 1, .more = true, .next_header = proto} / part));
    }
    CHECK(rig.drops(GLB_DROP_MALFORMED) == 3 * needed);
    // A first fragment whose chain is cut.
    CHECK(rig.out(IPv6{} / Fragment6{.more = true, .next_header = 60} / Payload{Bytes(6)}).code == XDP_DROP);
}

TEST_CASE("parse limits: all fragments of a packet have one target and cookie", "[parse_limits]") {
    TwoLegs rig;
    const auto first = rig.out(IPv6{} / Fragment6{.more = true} / DestOptions{.data = Bytes(6)} / datagram());
    const auto later = rig.out(IPv6{} / Fragment6{.offset = 9, .next_header = 60} / Payload{Bytes(32)});
    REQUIRE((TwoLegs::is_sent(first) && TwoLegs::is_sent(later)));
    CHECK(first.frame.at(5) == later.frame.at(5));
    CHECK(cookie_of(first.frame) == cookie_of(later.frame));
}

TEST_CASE("parse limits: a frame with a short linear part is dropped on a port of the manifest",
          "[parse_limits]") {
    TwoLegs rig;
    const Packet request = IPv4{} / Tcp{.flags = tcp::syn};
    const std::size_t linear = GENERATE(0u, 1u, 13u, 14u, 15u, 17u, 18u, 33u, 38u, 45u);
    CAPTURE(linear);
    const Driver driver{.linear = linear};
    const auto drops_of = [&](const Packet &tags) {
        const auto before = rig.drops(GLB_DROP_SHORT_LINEAR);
        CHECK(rig.send(Eth{.dst = node_mac} / tags / request, driver).code == XDP_DROP);
        return rig.drops(GLB_DROP_SHORT_LINEAR) - before;
    };
    CHECK(drops_of({}) == 1);
    CHECK(drops_of(Vlan{0}) == 1);
    if (linear < 38) // the tunnel's port: its destination cannot be read
        CHECK(drops_of(Vlan{7}) == 1);
    CHECK(rig.flows().empty());
    const auto passes = [&](const Packet &packet) { return rig.send(packet, driver).code == XDP_PASS; };
    CHECK(passes(Eth{.dst = node_mac} / Vlan{99} / request));
    CHECK(passes(Eth{.dst = node_mac} / Arp{}));
    CHECK(passes(Eth{.dst = "02:00:00:00:99:99"} / request));
}
