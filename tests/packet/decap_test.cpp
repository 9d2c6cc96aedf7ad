// The return leg: packets that a target may return, packets that are dropped, and how they change the flow.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

const Packet request = IPv4{} / Udp{} / Payload{from_string("question")};

/// A flow of which a packet was sent, and its target.
struct Sent {
    unsigned target;
    std::uint32_t cookie;
    std::uint16_t entropy;
};

Sent send_out(Rig &rig, const Packet &inner) {
    const auto outcome = rig.send(from_client(inner));
    REQUIRE(outcome.code == XDP_REDIRECT);
    return {outcome.frame.at(5) == target2_mac.bytes[5] ? 1u : 0u, cookie_of(outcome.frame),
            entropy_of(outcome.frame)};
}

/// This rig has no route, so every accepted packet is punted: untagged, its IP packet unchanged, metadata in
/// front, for a MAC that only the guard replaces.
void check_accepted(Rig &rig, const Outcome &outcome, const Packet &inner, unsigned target) {
    CHECK(outcome.code == XDP_PASS);
    CHECK(rig.count(GLB_COUNT_PUNTED) == 1);
    CHECK_THAT(outcome.metadata,
               equals(from_hex("ed5eed5e 03000000"))); // punt magic, endpoint index
    const Bytes expected = Eth{.dst = punt_mac, .src = target ? target2_mac : target_mac} / inner;
    CHECK_THAT(outcome.frame, equals(expected));
}

} // namespace

TEST_CASE("decap: inner packet is unchanged except for TTL and checksum", "[decap]") {
    Rig rig;
    const Packet inner =
        GENERATE(Packet(request), Packet(IPv6{} / Tcp{.flags = tcp::syn}), Packet(IPv4{} / icmp_echo(5, 1)));
    const auto sent = send_out(rig, inner);
    SECTION("without padding") {
        check_accepted(rig, rig.send(returned(sent.target, sent.cookie, sent.entropy, inner)), inner,
                       sent.target);
    }
    SECTION("with Ethernet padding") {
        check_accepted(rig, rig.send(padded_to(returned(sent.target, sent.cookie, sent.entropy, inner), 300)),
                       inner, sent.target);
    }
}

TEST_CASE("decap: stale cookie is counted and the packet forwarded", "[decap]") {
    Rig rig;
    const auto sent = send_out(rig, request);
    // Far from the entry's generation: the latest ones of the flow's slots are accepted.
    const auto cookie = GENERATE_COPY(sent.cookie ^ 0x80u, sent.cookie ^ 0x10080u, 0xffffffffu, 0x80u);
    check_accepted(rig, rig.send(returned(sent.target, cookie, sent.entropy, request)), request, sent.target);
    CHECK(rig.count(GLB_COUNT_COOKIE_STALE) == 1);

    SECTION("with strict cookies it is dropped") {
        rig.reconfigure([](auto &config) { config.groups[0].strict_cookie = true; });
        CHECK(rig.send(returned(sent.target, cookie, sent.entropy, request)).code == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_COOKIE_MISMATCH) == 1);
    }
}

TEST_CASE("decap: strict cookies accept a sibling flow's cookie, except for TCP and UDP", "[decap]") {
    Rig rig;
    rig.reconfigure([](auto &config) { config.groups[0].strict_cookie = true; });
    const auto echo = [](std::uint16_t id, const char *from = "192.0.2.10") {
        return IPv4{.src = from} / icmp_echo(id, 1);
    };
    const auto first = send_out(rig, echo(1));
    // Another flow of the same target.
    const auto sibling = [&](auto make) {
        for (std::uint16_t id = 2; id < 60; ++id)
            if (const auto sent = send_out(rig, make(id)); sent.target == first.target)
                return sent;
        throw std::runtime_error("no flow to the same target");
    };
    const auto with_cookie_of = [&](const auto &other) {
        return rig.send(returned(first.target, other.cookie, first.entropy, echo(1))).code;
    };
    SECTION("of a sibling") {
        CHECK(with_cookie_of(sibling([&](std::uint16_t id) { return echo(id); })) == XDP_PASS);
        CHECK(rig.count(GLB_COUNT_COOKIE_STALE) == 0);
    }
    SECTION("of other hosts") {
        CHECK(with_cookie_of(sibling([&](std::uint16_t id) { return echo(id, "192.0.2.11"); })) == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_COOKIE_MISMATCH) == 1);
    }
    SECTION("of another protocol") {
        CHECK(with_cookie_of(sibling([](std::uint16_t port) { return IPv4{} / Udp{.sport = port}; })) ==
              XDP_DROP);
    }
    SECTION("of an entry that holds another flow now") {
        auto older = sibling([&](std::uint16_t id) { return echo(id); });
        older.cookie ^= 1;
        CHECK(with_cookie_of(older) == XDP_DROP);
    }
    SECTION("of another UDP flow") {
        const auto sent = send_out(rig, request);
        const auto other = send_out(rig, IPv4{} / Udp{.sport = 999});
        CHECK(rig.send(returned(sent.target, other.cookie, sent.entropy, request)).code == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_COOKIE_MISMATCH) == 1);
    }
}

TEST_CASE("decap: invalid returned packets are dropped with the matching reason", "[decap]") {
    Rig rig;
    const auto sent = send_out(rig, request);
    const auto good = returned(sent.target, sent.cookie, sent.entropy, request);
    const std::size_t udp = outer_offset + 20;
    const std::size_t geneve = udp + 8;
    auto bad = good;
    auto reason = GLB_DROP_MAX;

    SECTION("unknown sender") {
        bad = (Eth{.dst = node_mac, .src = target_mac} / Vlan{7} /
               IPv4{.src = "10.0.1.99", .dst = "10.0.1.10"} /
               Udp{.sport = sent.entropy, .dport = 6081, .checksum = 0} /
               Geneve{.options = aws_options(endpoint_id, 0, sent.cookie)} / request)
                  .bytes();
        reason = GLB_DROP_UNKNOWN_SENDER;
    }
    SECTION("the tunnel address on another port") {
        bad.erase(bad.begin() + 12, bad.begin() + 16); // untagged, it is received on the endpoint's port
        reason = GLB_DROP_UNKNOWN_SENDER;
    }
    SECTION("another MAC") {
        bad[11] ^= 1;
        reason = GLB_DROP_SENDER_MAC;
    }
    SECTION("outer fragment") {
        bad[outer_offset + 6] = 0x20;
        reason = GLB_DROP_OUTER_FRAGMENT;
    }
    SECTION("IP length beyond the frame") {
        set16(bad, outer_offset + 2, static_cast<std::uint16_t>(bad.size() - outer_offset + 1));
        reason = GLB_DROP_OUTER_MALFORMED;
    }
    SECTION("IP length that holds no UDP header") {
        set16(bad, outer_offset + 2, 27);
        reason = GLB_DROP_OUTER_MALFORMED;
    }
    SECTION("UDP length shorter than GENEVE") {
        set16(bad, udp + 4, 15);
        reason = GLB_DROP_OUTER_MALFORMED;
    }
    SECTION("version") {
        bad[geneve] |= 0x40;
        reason = GLB_DROP_GENEVE_VERSION;
    }
    SECTION("control packet") {
        bad[geneve + 1] |= 0x80;
        reason = GLB_DROP_GENEVE_CONTROL;
    }
    SECTION("an option beyond the header") {
        bad[geneve + 8 + 3] = 31;
        reason = GLB_DROP_GENEVE_OPTIONS;
    }
    SECTION("unknown critical option") {
        bad[geneve + 8 + 12 + 2] = 0x99; // the attachment option becomes an unknown critical one
        reason = GLB_DROP_GENEVE_CRITICAL;
    }
    SECTION("no cookie option") {
        bad[geneve + 8 + 24 + 2] = 0x55;
        reason = GLB_DROP_GENEVE_MISSING;
    }
    SECTION("an Ethernet frame inside") {
        set16(bad, geneve + 2, 0x6558);
        reason = GLB_DROP_GENEVE_PROTOCOL;
    }
    SECTION("inner packet longer than the tunnel payload") {
        set16(bad, geneve + 40 + 2, 1000);
        reason = GLB_DROP_INNER_MALFORMED;
    }
    SECTION("unknown endpoint") {
        bad[geneve + 8 + 4] ^= 0xff;
        reason = GLB_DROP_UNKNOWN_ENDPOINT;
    }
    SECTION("a flow that was never sent") {
        bad = returned(sent.target, sent.cookie, sent.entropy, IPv4{.src = "203.0.113.7"} / Udp{});
        reason = GLB_DROP_UNKNOWN_FLOW;
    }
    SECTION("another target's flow") {
        bad = returned(1 - sent.target, sent.cookie, sent.entropy, request);
        reason = GLB_DROP_WRONG_TARGET;
    }
    REQUIRE(reason != GLB_DROP_MAX);
    CHECK(rig.send(bad).code == XDP_DROP);
    CHECK(rig.drops(reason) == 1);
    CHECK(rig.count(GLB_COUNT_PUNTED) == 0);
}

TEST_CASE("decap: options are accepted in any order, with unknown ones between them", "[decap]") {
    Rig rig;
    const auto sent = send_out(rig, request);
    auto options = aws_options(endpoint_id, 0, sent.cookie);
    std::swap(options[0], options[2]);
    options.insert(options.begin() + 1,
                   GeneveOption{.option_class = 0x0102, .option_type = 0x21, .value = Bytes(16)});
    const Bytes frame =
        (Eth{.dst = node_mac, .src = sent.target ? target2_mac : target_mac} / Vlan{7} /
         IPv4{.src = sent.target ? "10.0.1.21" : "10.0.1.20", .dst = "10.0.1.10", .ttl = 2} /
         Udp{.sport = sent.entropy, .dport = 6081, .checksum = 0xdead} / Geneve{.options = options} / request)
            .bytes();
    check_accepted(rig, rig.send(frame), request, sent.target);
}

TEST_CASE("decap: ICMP error from the appliance belongs to the flow it quotes", "[decap]") {
    Rig rig;
    const auto sent = send_out(rig, request);
    const Packet error = IPv4{.src = "203.0.113.254", .dst = "192.0.2.10"} / icmp_unreachable(13) / request;
    check_accepted(rig, rig.send(returned(sent.target, sent.cookie, sent.entropy, error)), error,
                   sent.target);

    SECTION("but not from a target that does not own it") {
        CHECK(rig.send(returned(1 - sent.target, sent.cookie, sent.entropy, error)).code == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_WRONG_TARGET) == 1);
    }
}

TEST_CASE("decap: ICMP error without a flow is accepted untracked, its quoted flow is not", "[decap]") {
    Rig rig;
    const Packet error = IPv4{.src = "198.51.100.254", .dst = "192.0.2.10"} / icmp_unreachable(13) / request;
    const auto sent = send_out(rig, error);
    CHECK(rig.count(GLB_COUNT_UNTRACKED) == 1);
    check_accepted(rig, rig.send(returned(sent.target, sent.cookie, sent.entropy, error)), error,
                   sent.target);
    CHECK(rig.count(GLB_COUNT_RETURN_UNTRACKED) == 1);
    CHECK(rig.send(returned(sent.target, sent.cookie, sent.entropy, request)).code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_UNKNOWN_FLOW) == 1);
}

TEST_CASE("decap: fragment is accepted without an entry, and is no flow that lacks one", "[decap]") {
    Rig rig;
    const Packet later = IPv4{.fragment_offset = 100, .ip_proto = 17} / Payload{Bytes(64)};
    const auto sent = send_out(rig, later);
    CHECK(rig.count(GLB_COUNT_FRAGMENT_EARLY) == 1);
    CHECK(rig.count(GLB_COUNT_UNTRACKED) == 0);
    check_accepted(rig, rig.send(returned(sent.target, sent.cookie, sent.entropy, later)), later,
                   sent.target);
    CHECK(rig.count(GLB_COUNT_RETURN_UNTRACKED) == 1);
    CHECK(rig.send(returned(1 - sent.target, sent.cookie, sent.entropy, later)).code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_UNKNOWN_FLOW) == 1);
}
