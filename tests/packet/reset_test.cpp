// Flows whose target has failed in a group with policy `reset`: the bytes that each segment becomes, and the
// counters.
#include <array>
#include <thread>

#include <linux/bpf.h>

#include "tests/harness/skip.h"
#include "tests/packet/connection.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr auto fin = tcp::fin, syn = tcp::syn, rst = tcp::rst, ack = tcp::ack, psh = tcp::psh;
const Payload data{from_string("uninspected data")};

struct Counts {
    std::uint64_t flows, answered, sent_on, dropped;
    bool operator==(const Counts &) const = default;
};
std::ostream &operator<<(std::ostream &out, const Counts &c) {
    return out << c.flows << " reset, " << c.answered << " answered, " << c.sent_on << " sent on, "
               << c.dropped << " dropped";
}
Counts counts(const RoutedRig &routed) {
    return {routed.rig.count(GLB_COUNT_RESET), routed.rig.count(GLB_COUNT_RESET_ANSWERED),
            routed.rig.count(GLB_COUNT_RESET_SENT_ON), routed.rig.drops(GLB_DROP_FLOW_RESET)};
}

struct Fixture : ResetRig {
    explicit Fixture(bool ipv6) : connection(*this, ipv6) {
        connection.establish();
        connection.fail_target();
    }
    Connection connection;
};

} // namespace

TEST_CASE("reset: bare ACK is answered by a RST with its acknowledgement number", "[reset]") {
    need_root();
    const bool ipv6 = GENERATE(false, true), by_initiator = GENERATE(true, false);
    Fixture routed(ipv6);
    auto &flow = routed.connection;
    const auto answer = [&](const Packet &tags = {}) {
        return flow.answer(by_initiator, flow.expected_tcp(!by_initiator, rst, 0xfffffff0), tags);
    };
    const auto segment = flow.segment(by_initiator, ack, 7000, 0xfffffff0);
    SECTION("untagged") {
        const auto outcome = flow.send(segment);
        CHECK(outcome.code == XDP_REDIRECT);
        CHECK_THAT(outcome.frame, equals(answer()));
    }
    SECTION("tags are kept") {
        for (const auto &tags :
             {Packet(Vlan{100}), Packet(Vlan{0}), Vlan{.id = 300, .tpid = 0x88a8} / Vlan{200}})
            CHECK_THAT(flow.send(segment, tags).frame, equals(answer(tags)));
        CHECK(counts(routed) == Counts{1, 3, 0, 0});
        return;
    }
    SECTION("TCP options and Ethernet padding are not answered") {
        auto header = flow.tcp(by_initiator, ack, 7000, 0xfffffff0);
        header.options = from_hex("0101080a 00000001 00000002");
        CHECK_THAT(routed.rig.send(padded_to(Connection::frame(flow.ip(by_initiator) / header), 120)).frame,
                   equals(answer()));
    }
    CHECK(counts(routed) == Counts{1, 1, 0, 0});
}

TEST_CASE("reset: answers have no IP options or extension headers", "[reset]") {
    need_root();
    SECTION("IPv4: record route") {
        Fixture routed(false);
        auto &flow = routed.connection;
        const IPv4 ip{
            .src = "198.51.100.20", .dst = "198.51.100.30", .options = from_hex("07070400 00000000")};
        CHECK_THAT(flow.send(ip / flow.tcp(true, ack, 1, 2)).frame,
                   equals(flow.answer(true, flow.expected_tcp(false, rst, 2))));
    }
    SECTION("IPv6: hop-by-hop and destination options") {
        Fixture routed(true);
        auto &flow = routed.connection;
        const Packet inner =
            flow.ip(true) / HopByHop{} / DestOptions{.data = Bytes(20)} / flow.tcp(true, ack, 1, 2);
        CHECK_THAT(flow.send(inner).frame, equals(flow.answer(true, flow.expected_tcp(false, rst, 2))));
    }
}

TEST_CASE("reset: sender of data is probed, then the far end, and both are answered", "[reset]") {
    need_root();
    const bool ipv6 = GENERATE(false, true), by_initiator = GENERATE(true, false);
    const auto flags = static_cast<std::uint8_t>(GENERATE(psh | ack, fin | ack, syn | ack));
    CAPTURE(ipv6, by_initiator, int{flags});
    Fixture routed(ipv6);
    auto &flow = routed.connection;
    const auto first = flow.ip(by_initiator) / flow.tcp(by_initiator, flags, 1000, 5000);
    const auto probe = flow.send(flags & psh ? first / data : first);
    CHECK(probe.code == XDP_REDIRECT);
    CHECK_THAT(probe.frame,
               equals(flow.answer(by_initiator, flow.expected_tcp(!by_initiator, ack, 4999, 1000, 65535))));
    CHECK(counts(routed) == Counts{1, 1, 0, 0});

    const auto forwarded = [&](const Tcp &header) {
        return equals(flow.forwarded_frame(by_initiator, flow.ip(by_initiator, 63) / header));
    };
    const auto far_probe = flow.send(flow.segment(by_initiator, ack, 9000, 5000), Vlan{100});
    CHECK(far_probe.code == XDP_REDIRECT);
    CHECK_THAT(far_probe.frame, forwarded(flow.expected_tcp(by_initiator, syn | ack, 9000, 5000, 65535)));
    CHECK(counts(routed) == Counts{1, 1, 1, 0});

    SECTION("the far end replies, with other numbers than its peer's") {
        CHECK_THAT(flow.send(flow.segment(!by_initiator, ack, 0x70000000, 0x80000000)).frame,
                   equals(flow.answer(!by_initiator, flow.expected_tcp(by_initiator, rst, 0x80000000))));
        CHECK(counts(routed) == Counts{1, 2, 1, 0});
    }
    SECTION("the far end does not reply") {
        CHECK_THAT(flow.send(first / data).frame,
                   forwarded(flow.expected_tcp(by_initiator, rst | ack, flags & syn ? 1001 : 1000, 5000)));
        CHECK(counts(routed) == Counts{1, 1, 2, 0});
    }
    // Retransmitted data, and the far end's challenge ACK: each is answered with the number its sender
    // expects.
    CHECK_THAT(flow.send(first / data).frame,
               equals(flow.answer(by_initiator, flow.expected_tcp(!by_initiator, rst, 5000))));
    CHECK_THAT(flow.send(flow.segment(!by_initiator, ack, 5000, 8000)).frame,
               equals(flow.answer(!by_initiator, flow.expected_tcp(by_initiator, rst, 8000))));
    CHECK(routed.rig.count(GLB_COUNT_FORWARDED) == 3); // of the handshake
}

TEST_CASE("reset: forwarded RST keeps the IP header and drops options and data", "[reset]") {
    need_root();
    SECTION("IPv4 options, TOS, identification") {
        Fixture routed(false);
        auto &flow = routed.connection;
        const auto outer = [](std::uint8_t ttl) {
            return IPv4{.src = "198.51.100.30",
                        .dst = "198.51.100.20",
                        .ttl = ttl,
                        .tos = 0x48,
                        .id = 77,
                        .options = from_hex("01010101")};
        };
        auto header = flow.tcp(false, psh | ack | tcp::urg, 1000, 5000);
        header.options = from_hex("0101080a 00000001 00000002");
        for (int i = 0; i < 2; ++i)
            flow.send(outer(9) / header / data);
        CHECK_THAT(
            flow.send(outer(9) / header / data).frame, // not a reply to the probe: its own number
            equals(flow.forwarded_frame(false, outer(8) / flow.expected_tcp(false, rst | ack, 1000, 5000))));
    }
    SECTION("IPv6 extension headers") {
        Fixture routed(true);
        auto &flow = routed.connection;
        const auto outer = [&](std::uint8_t hops) {
            return flow.ip(true, hops) / DestOptions{.data = Bytes(10)};
        };
        for (int i = 0; i < 2; ++i)
            flow.send(outer(64) / flow.tcp(true, ack, 1000, 5000) / data);
        CHECK_THAT(
            flow.send(outer(64) / flow.tcp(true, ack, 1025, 5000) / data).frame,
            equals(flow.forwarded_frame(true, outer(63) / flow.expected_tcp(true, rst | ack, 1025, 5000))));
    }
    SECTION("behind a SYN the next sequence number is expected") {
        Fixture routed(false);
        auto &flow = routed.connection;
        for (int i = 0; i < 3; ++i) {
            const auto outcome = flow.send(flow.segment(false, syn | ack, 0xffffffff, 5000));
            if (i == 2)
                CHECK_THAT(outcome.frame,
                           equals(flow.forwarded_frame(
                               false, flow.ip(false, 63) / flow.expected_tcp(false, rst | ack, 0, 5000))));
        }
    }
    SECTION("an expiring TTL is punted") {
        Fixture routed(false);
        auto &flow = routed.connection;
        const auto forwarded = [&] {
            return routed.rig.roles.counters.endpoint_count(sample_endpoint).value().forwarded.packets;
        };
        const auto before = forwarded();
        const auto outcome = flow.send(flow.ip(true, 1) / flow.tcp(true, rst, 1000));
        CHECK(outcome.code == XDP_PASS);
        CHECK(forwarded() == before); // like a segment that XDP forwards
        CHECK_THAT(outcome.metadata, equals(from_hex("ed5eed5e 03000000")));
        CHECK(counts(routed) == Counts{1, 0, 1, 0});
        CHECK(routed.rig.count(GLB_COUNT_PUNTED) == 0);
    }
}

TEST_CASE("reset: first RST is forwarded, later ones are dropped, none is answered", "[reset]") {
    need_root();
    const bool ipv6 = GENERATE(false, true);
    Fixture routed(ipv6);
    auto &flow = routed.connection;
    const auto first = flow.send(flow.segment(true, rst, 1000));
    CHECK_THAT(first.frame,
               equals(flow.forwarded_frame(true, flow.ip(true, 63) / flow.expected_tcp(true, rst, 1000))));
    CHECK(counts(routed) == Counts{1, 0, 1, 0});
    CHECK(flow.send(flow.segment(false, rst | ack, 5, 6)).code == XDP_DROP);
    CHECK(flow.send(flow.segment(true, fin, 1000)).code == XDP_DROP); // no ACK: it cannot be answered
    CHECK(counts(routed) == Counts{1, 0, 1, 2});
    CHECK(flow.send(flow.segment(false, ack, 5, 6)).code == XDP_REDIRECT);
    CHECK(counts(routed) == Counts{1, 1, 1, 2});
}

TEST_CASE("reset: ICMP error is dropped and resets nothing", "[reset]") {
    need_root();
    Fixture routed(false);
    auto &flow = routed.connection;
    const Packet error = IPv4{.src = "203.0.113.254", .dst = "198.51.100.20"} / icmp_unreachable(13) /
                         flow.segment(true, ack, 1, 2);
    CHECK(flow.send(error).code == XDP_DROP);
    CHECK(counts(routed) == Counts{0, 0, 0, 1});
    flow.send(flow.segment(true, ack, 1, 2));
    CHECK(flow.send(error).code == XDP_DROP);
    CHECK(counts(routed) == Counts{1, 1, 0, 2});
}

TEST_CASE("reset: SYN starts a new flow in the entry of a reset one", "[reset]") {
    need_root();
    const bool touched = GENERATE(true, false);
    Fixture routed(false);
    auto &flow = routed.connection;
    if (touched)
        flow.send(flow.segment(true, ack, 1, 2));
    const auto reset = counts(routed);
    const auto old_target = flow.target;
    flow.establish();
    CHECK(flow.target == 1 - old_target);
    CHECK(routed.rig.count(GLB_COUNT_FLOW_NEW) == 2);
    CHECK(routed.round_trip(flow.segment(false, psh | ack, 1, 2) / data).code == XDP_REDIRECT);
    CHECK(counts(routed) == reset);
}

TEST_CASE("reset: returned packets of a reset flow are dropped without effect", "[reset]") {
    need_root();
    ResetRig routed;
    Connection flow(routed, false);
    flow.establish();
    const auto inner = flow.segment(false, ack, 1, 2) / data;
    const auto out = flow.send(inner);
    const auto late = returned(flow.target, cookie_of(out.frame), entropy_of(out.frame), inner);
    flow.fail_target();
    CHECK(routed.rig.send(late).code == XDP_REDIRECT); // not reset yet
    flow.send(flow.segment(true, ack, 1, 2));
    CHECK(routed.rig.send(late).code == XDP_DROP);
    CHECK(counts(routed) == Counts{1, 1, 0, 1});
    // The recovery of the target does not change it.
    REQUIRE(routed.rig.roles.state.set_target_state(flow.target, sample_target_state));
    CHECK_THAT(flow.send(flow.segment(true, ack, 1, 3)).frame,
               equals(flow.answer(true, flow.expected_tcp(false, rst, 3))));
    CHECK(routed.rig.send(late).code == XDP_DROP);
}

TEST_CASE("reset: only established TCP whose target does not keep it is reset", "[reset]") {
    need_root();
    ResetRig routed;
    Connection flow(routed, false);
    const auto target_of = [&](const Packet &inner) -> unsigned {
        const auto out = flow.send(inner);
        REQUIRE(out.code == XDP_REDIRECT);
        return out.frame.at(5) == target2_mac.bytes[5];
    };
    SECTION("a target that keeps it") {
        flow.establish();
        REQUIRE(routed.rig.roles.state.set_target_state(flow.target,
                                                        GLB_TARGET_RESET | GLB_TARGET_KEEP_ESTABLISHED));
        CHECK(target_of(flow.segment(true, ack, 1, 2)) == flow.target);
    }
    SECTION("another protocol's flow") {
        const Packet there = flow.ip(true) / Udp{}, again = flow.ip(false) / Udp{.sport = 53, .dport = 12345};
        flow.target = target_of(there);
        for (const auto &inner : {there, again})
            REQUIRE(routed.round_trip(inner).code == XDP_REDIRECT);
        flow.fail_target();
        CHECK(target_of(there) == 1 - flow.target);
        CHECK(routed.rig.count(GLB_COUNT_FLOW_RESTEERED) == 1);
    }
    SECTION("embryonic TCP") {
        flow.target = target_of(flow.segment(true, syn));
        flow.fail_target();
        CHECK(target_of(flow.segment(true, ack, 1, 2)) == 1 - flow.target);
        CHECK(routed.rig.count(GLB_COUNT_FLOW_RESTEERED) == 1);
    }
    CHECK(counts(routed) == Counts{0, 0, 0, 0});
}

TEST_CASE("reset: two CPUs reset each flow once", "[reset][concurrency]") {
    need_root();
    ResetRig routed;
    constexpr std::uint16_t flow_number = 500;
    std::array<std::vector<Bytes>, 2> frames; // by end
    for (std::uint16_t n = 0; n < flow_number; ++n) {
        Connection flow(routed, false, static_cast<std::uint16_t>(20000 + n));
        flow.establish();
        for (const bool by_initiator : {true, false})
            frames[by_initiator].push_back(
                Connection::frame(flow.segment(by_initiator, psh | ack, 1000, 5000) / data));
    }
    for (const unsigned target : {0u, 1u})
        REQUIRE(routed.rig.roles.state.set_target_state(target, GLB_TARGET_RESET));
    const bool one_end = GENERATE(true, false);
    std::array<std::thread, 2> threads;
    for (unsigned i = 0; i < 2; ++i)
        threads[i] = std::thread([&, i] {
            const ScopedNamespace inside(routed.ns);
            for (const auto &frame : frames[one_end ? 0 : i])
                (void)run_xdp(routed.rig.roles.handles->program(), frame,
                              {.ingress_ifindex = 1, .most_out = 512});
        });
    for (auto &thread : threads)
        thread.join();
    // The sender of the first packet is probed. The second packet of the same end becomes the probe of the far
    // end; one of the other end is answered.
    CHECK(counts(routed) == (one_end ? Counts{flow_number, flow_number, flow_number, 0}
                                     : Counts{flow_number, 2 * flow_number, 0, 0}));
}
