// The outbound leg: bytes of the tunnel packet, drops, and frames that are passed unmodified.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "tests/harness/golden.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

const Packet udp_hi = IPv4{.src = "192.0.2.10", .dst = "198.51.100.20", .ttl = 63, .id = 1, .df = true} /
                      Udp{.sport = 12345, .dport = 53, .checksum = 0} / Payload{from_string("hi")};

/// The complete frame expected for `inner`.
Bytes tunnel_frame(const Bytes &sent, const Packet &inner, std::uint8_t tos = 0) {
    const bool second = sent.at(5) == target2_mac.bytes[5];
    return (Eth{.dst = second ? target2_mac : target_mac, .src = node_mac} / Vlan{7} /
            IPv4{.src = "10.0.1.10",
                 .dst = second ? "10.0.1.21" : "10.0.1.20",
                 .ttl = 64,
                 .tos = tos,
                 .df = true} /
            Udp{.sport = entropy_of(sent), .dport = 6081, .checksum = 0} /
            Geneve{.options = aws_options(endpoint_id, 0, cookie_of(sent))} / inner)
        .bytes();
}

} // namespace

TEST_CASE("encap: 68 bytes are added, and the packet is unchanged", "[encap]") {
    Rig rig;
    const auto outcome = rig.send(from_client(udp_hi));
    REQUIRE(outcome.code == XDP_REDIRECT);
    CHECK_THAT(outcome.frame, equals(tunnel_frame(outcome.frame, udp_hi)));
    CHECK(entropy_of(outcome.frame) >= 0xc000);
    CHECK(rig.count(GLB_COUNT_ENCAPSULATED) == 1);
    CHECK(rig.count(GLB_COUNT_FLOW_NEW) == 1);

    SECTION("golden packet from the GENEVE header on, except for the cookie") {
        auto golden = golden_out();
        auto sent = outcome.frame;
        sent.erase(sent.begin(), sent.begin() + outer_offset);
        for (const std::size_t at : {64u, 65u, 66u, 67u})
            golden[at] = sent.at(at);
        CHECK_THAT(Bytes(sent.begin() + 28, sent.end()), equals(Bytes(golden.begin() + 28, golden.end())));
    }
}

TEST_CASE("encap: header has the endpoint's attachment and the target's port", "[encap]") {
    Rig rig;
    constexpr std::uint64_t attachment = 0x1122334455667788;
    rig.reconfigure([](auto &config) {
        config.endpoints[0].attachment = attachment;
        config.geneve_ports = {6081, 6090};
        for (auto &target : config.targets)
            target.port = 6090;
    });
    const auto outcome = rig.send(from_client(udp_hi));
    REQUIRE(outcome.code == XDP_REDIRECT);
    const bool second = outcome.frame.at(5) == target2_mac.bytes[5];
    CHECK_THAT(
        outcome.frame,
        equals((Eth{.dst = second ? target2_mac : target_mac, .src = node_mac} / Vlan{7} /
                IPv4{.src = "10.0.1.10", .dst = second ? "10.0.1.21" : "10.0.1.20", .ttl = 64, .df = true} /
                Udp{.sport = entropy_of(outcome.frame), .dport = 6090, .checksum = 0} /
                Geneve{.options = aws_options(endpoint_id, attachment, cookie_of(outcome.frame))} / udp_hi)
                   .bytes()));
}

TEST_CASE("steering: both directions share entry, target, entropy port and cookie", "[encap]") {
    Rig rig;
    const auto out = rig.send(from_client(udp_hi));
    const auto back = rig.send(from_client(IPv4{.src = "198.51.100.20", .dst = "192.0.2.10"} /
                                           Udp{.sport = 53, .dport = 12345} / Payload{from_string("yes")}));
    CHECK(cookie_of(out.frame) == cookie_of(back.frame));
    CHECK(entropy_of(out.frame) == entropy_of(back.frame));
    CHECK(Bytes(out.frame.begin(), out.frame.begin() + 6) ==
          Bytes(back.frame.begin(), back.frame.begin() + 6));
    CHECK(rig.count(GLB_COUNT_FLOW_NEW) == 1);
}

TEST_CASE("encap: IPv6, VLAN id 0, IPv4 options and extension headers are kept, padding is removed",
          "[encap]") {
    Rig rig;
    const Packet inner = GENERATE(
        Packet(IPv6{} / Tcp{.flags = tcp::syn}),
        Packet(IPv6{} / HopByHop{} / Udp{} / Payload{from_string("x")}),
        Packet(IPv4{.options = Bytes(8)} / Tcp{.flags = tcp::syn}), Packet(IPv4{} / icmp_echo(77, 1)),
        Packet(IPv4{.ip_proto = 89} / Payload{from_string("ospf?")}), Packet(IPv4{} / Sctp{}),
        Packet(IPv6{} / icmp6_echo(9, 1)), Packet(IPv4{} / Esp{} / Payload{from_string("secret")}));
    SECTION("without changes") {
        const auto outcome = rig.send(from_client(inner));
        REQUIRE(outcome.code == XDP_REDIRECT);
        CHECK_THAT(outcome.frame, equals(tunnel_frame(outcome.frame, inner)));
    }
    SECTION("priority tag and padding") {
        const auto outcome = rig.send((Eth{.dst = node_mac} / Vlan{0} / inner).padded_to(200));
        REQUIRE(outcome.code == XDP_REDIRECT);
        CHECK_THAT(outcome.frame, equals(tunnel_frame(outcome.frame, inner)));
    }
}

TEST_CASE("encap: ECN is copied to the outer header, DSCP is not", "[encap]") {
    Rig rig;
    const Packet inner = IPv4{.tos = 0xb9} / Udp{};
    const auto outcome = rig.send(from_client(inner));
    CHECK_THAT(outcome.frame, equals(tunnel_frame(outcome.frame, inner, 1)));
}

TEST_CASE("classify: local and unrelated frames are passed unmodified", "[classify]") {
    Rig rig;
    const auto frame = GENERATE(
        Bytes(Eth{.dst = "ff:ff:ff:ff:ff:ff"} / Arp{}), Bytes(Eth{.dst = "02:00:00:00:99:99"} / udp_hi),
        Bytes(Eth{.dst = node_mac} / IPv4{.dst = "192.0.2.1"} / Tcp{.dport = 22}),
        Bytes(Eth{.dst = node_mac} / IPv6{.dst = "2001:db8:1::1"} / Tcp{.dport = 179}),
        Bytes(Eth{.dst = node_mac} / IPv4{.dst = "224.0.0.5"} / Udp{}),
        Bytes(Eth{.dst = node_mac} / IPv6{.dst = "fe80::1"} / Udp{}),
        Bytes(Eth{.dst = node_mac} / IPv4{.dst = "255.255.255.255"} / Udp{}),
        Bytes(Eth{.dst = node_mac} / IPv6{.src = "fe80::9"} / Udp{}),
        Bytes(Eth{.dst = node_mac} / IPv6{.dst = "2001:db8:1::1", .hop_limit = 255} /
              nd_solicitation("2001:db8:1::1", "02:00:00:00:00:01")),
        Bytes(Eth{.dst = node_mac} / Vlan{99} / udp_hi));
    const auto outcome = rig.send(frame);
    CHECK(outcome.code == XDP_PASS);
    CHECK_THAT(outcome.frame, equals(frame));
    CHECK(rig.count(GLB_COUNT_ENCAPSULATED) == 0);
}

TEST_CASE("classify: all traffic that a kernel would forward is inspected", "[classify]") {
    Rig rig;
    const auto outcome = rig.send(
        GENERATE(Bytes(Eth{.dst = node_mac} / IPv4{.dst = "169.254.169.254"} / Udp{}),
                 Bytes(Eth{.dst = node_mac} / IPv4{.dst = "240.0.0.1"} / Udp{}),
                 Bytes(Eth{.dst = node_mac} / IPv4{.src = "169.254.1.1"} / Udp{}),
                 Bytes(Eth{.dst = node_mac} / IPv6{.hop_limit = 255} /
                       nd_solicitation("2001:db8:2::20", "02:00:00:00:00:01")),
                 // Fragments of UDP to the tunnel address, which belongs to another interface.
                 Bytes(Eth{.dst = node_mac} / IPv4{.dst = "10.0.1.10", .more_fragments = true} /
                       Udp{.dport = 6081} / Payload(64)),
                 Bytes(Eth{.dst = node_mac} / IPv4{.dst = "10.0.1.10", .fragment_offset = 9, .ip_proto = 17} /
                       Payload(64))));
    CHECK(outcome.code == XDP_REDIRECT);
    CHECK(rig.count(GLB_COUNT_ENCAPSULATED) == 1);
    CHECK(rig.count(GLB_COUNT_LOCAL) == 0);
}

TEST_CASE("parse: malformed packets of an endpoint are dropped and counted", "[encap]") {
    Rig rig;
    const auto frame =
        GENERATE(Bytes(Eth{.dst = node_mac} / IPv4{.total_length = 2000} / Udp{}),
                 Bytes(Eth{.dst = node_mac} / IPv4{.header_words = 4} / Udp{}),
                 Bytes(Eth{.dst = node_mac} / IPv4{.total_length = 10} / Udp{}),
                 Bytes(Eth{.dst = node_mac} / IPv4{.version = 5} / Udp{}),
                 Bytes(Eth{.dst = node_mac} / IPv4{.ip_proto = 6} / Payload{from_string("short")}),
                 Bytes(Eth{.dst = node_mac} / IPv4{} / Tcp{.header_words = 3}),
                 Bytes(Eth{.dst = node_mac} / IPv4{} / Tcp{.header_words = 15}),
                 Bytes(Eth{.dst = node_mac} / IPv4{} / Udp{.length = 4}),
                 Bytes(Eth{.dst = node_mac} / IPv4{} / Udp{.length = 400}),
                 Bytes(Eth{.dst = node_mac} / IPv6{.payload_length = 900} / Udp{}),
                 Bytes(Eth{.dst = node_mac} / IPv6{} / HopByHop{.length = 200} / Udp{}),
                 (Eth{.dst = node_mac} / udp_hi).truncated(30));
    CHECK(rig.send(frame).code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_MALFORMED) == 1);
}

TEST_CASE("encap: packets that cannot be sent to a target are dropped with the matching reason", "[encap]") {
    Rig rig;
    SECTION("too big for the tunnel") {
        CHECK(rig.send(from_client(IPv4{} / Udp{} / Payload{Bytes(1405)})).code == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_TOO_BIG) == 1);
        CHECK(rig.send(from_client(IPv4{} / Udp{} / Payload{Bytes(1404)})).code == XDP_REDIRECT);
    }
    SECTION("next hop not resolved") {
        rig.reconfigure([](auto &config) {
            for (auto &entry : config.targets)
                entry.path.reset();
        });
        CHECK(rig.send(from_client(udp_hi)).code == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_NO_NEIGHBOUR) == 1);
    }
    SECTION("no target accepts traffic") {
        for (std::uint32_t index = 0; index < 2; ++index)
            REQUIRE(rig.roles.state.set_target_state(index, 0));
        REQUIRE(rig.roles.state.set_group_action(2, GLB_NO_TARGET_DROP));
        CHECK(rig.send(from_client(udp_hi)).code == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_NO_TARGET) == 1);
        REQUIRE(rig.roles.state.set_group_action(2, GLB_NO_TARGET_PENDING));
        CHECK(rig.send(from_client(udp_hi)).code == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_NO_TARGET_YET) == 1);
    }
}

TEST_CASE("steering: the next packet moves a flow from a failed target to a live one", "[steer]") {
    Rig rig;
    std::vector<Bytes> flows;
    for (std::uint16_t port = 1000; port < 1100; ++port)
        flows.push_back(from_client(IPv4{} / Tcp{.sport = port, .flags = tcp::syn}));
    for (const auto &flow : flows)
        REQUIRE(rig.send(flow).code == XDP_REDIRECT);
    REQUIRE(rig.roles.state.set_target_state(0, 0));
    std::vector<std::uint16_t> slots(GLB_FALLBACK_SLOTS, 1);
    REQUIRE(rig.roles.state.set_fallback(2, slots));
    for (const auto &flow : flows) {
        const auto outcome = rig.send(flow);
        REQUIRE(outcome.code == XDP_REDIRECT);
        CHECK(outcome.frame.at(5) == target2_mac.bytes[5]);
    }
}
