// Counters of passive health: unanswered and answered flows, attempted and confirmed flows, and which
// endpoint was seen through which target.
#include <catch2/catch.hpp>

#include <linux/bpf.h>
#include <sys/mman.h>

#include "abi/flow.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

struct Counts {
    std::uint64_t unanswered = 0, answered = 0, attempted = 0, confirmed = 0;
    bool operator==(const Counts &) const = default;
};

std::ostream &operator<<(std::ostream &out, const Counts &counts) {
    return out << counts.unanswered << " unanswered, " << counts.answered << " answered, " << counts.attempted
               << " attempted, " << counts.confirmed << " confirmed";
}

/// A rig whose group has passive health, and whose packets are all sent to one target unless that is removed.
struct Watched : Rig {
    Watched() {
        reconfigure([](auto &all) { all.groups[0].passive = true; });
        only(0);
    }
    void only(unsigned target) {
        for (unsigned index = 0; index < 2; ++index)
            REQUIRE(roles.state.set_target_state(index, index == target ? sample_target_state : 0));
    }
    Counts counts(unsigned target) const {
        const auto sum = roles.handles->target_counts().sum(target);
        return {sum.unanswered, sum.answered, sum.attempted, sum.confirmed};
    }
    /// Sends it to its target; the frame that the target receives.
    Bytes out(const Packet &inner) {
        const auto outcome = send(from_client(inner));
        REQUIRE(outcome.code == XDP_REDIRECT);
        return outcome.frame;
    }
    /// Returns `sent` from the target that received it.
    void return_packet(const Bytes &sent, const Packet &inner) {
        const unsigned target = sent.at(5) == target2_mac.bytes[5];
        REQUIRE(send(returned(target, cookie_of(sent), entropy_of(sent), inner)).code == XDP_PASS);
    }
    void round_trip(const Packet &inner) { return_packet(out(inner), inner); }
};

/// One flow of each IP version, in both directions.
struct Flow {
    Packet there, answer;
};

Flow udp(bool six, std::uint16_t port = 4000) {
    const auto ip = [=](bool answer) -> Packet {
        if (six)
            return IPv6{.src = answer ? "2001:db8:2::2" : "2001:db8:1::7",
                        .dst = answer ? "2001:db8:1::7" : "2001:db8:2::2"};
        return IPv4{.src = answer ? "198.51.100.20" : "192.0.2.10",
                    .dst = answer ? "192.0.2.10" : "198.51.100.20"};
    };
    return {ip(false) / Udp{.sport = port, .dport = 53}, ip(true) / Udp{.sport = 53, .dport = port}};
}

Packet segment(bool by_initiator, std::uint8_t flags) {
    const Packet ip = by_initiator ? IPv4{.src = "192.0.2.10", .dst = "198.51.100.20"}
                                   : IPv4{.src = "198.51.100.20", .dst = "192.0.2.10"};
    const std::uint16_t client = 40000, server = 80;
    return ip / Tcp{.sport = by_initiator ? client : server,
                    .dport = by_initiator ? server : client,
                    .flags = flags};
}

void establish(Watched &rig, const Flow &flow) {
    rig.round_trip(flow.there);
    rig.round_trip(flow.answer);
}

} // namespace

TEST_CASE("passive health: an established flow counts as unanswered once until a packet returns",
          "[passive]") {
    Watched rig;
    const auto flow = udp(GENERATE(false, true));
    establish(rig, flow);
    CHECK(rig.counts(0) == Counts{0, 0, 0, 0}); // its first packet was sent before the endpoint was seen

    const auto sent = rig.out(flow.there);
    CHECK(rig.counts(0) == Counts{1, 0, 0, 0});
    for (int again = 0; again < 3; ++again)
        rig.out(again % 2 ? flow.there : flow.answer);
    CHECK(rig.counts(0) == Counts{1, 0, 0, 0});
    rig.return_packet(sent, flow.there);
    CHECK(rig.counts(0) == Counts{1, 1, 0, 0});
    rig.return_packet(sent, flow.there);
    CHECK(rig.counts(0) == Counts{1, 1, 0, 0});
    rig.round_trip(flow.there);
    CHECK(rig.counts(0) == Counts{2, 2, 0, 0});
    CHECK(rig.counts(1) == Counts{});
}

TEST_CASE("passive health: TCP counts as unanswered only while established", "[passive]") {
    Watched rig;
    rig.round_trip(segment(true, tcp::syn));
    rig.round_trip(segment(false, tcp::syn | tcp::ack));
    rig.out(segment(false, tcp::syn | tcp::ack)); // not established: a firewall may have dropped it
    CHECK(rig.counts(0).unanswered == 0);
    rig.round_trip(segment(true, tcp::ack));
    rig.round_trip(segment(true, tcp::ack));
    CHECK(rig.counts(0) == Counts{1, 1, 0, 0});
    rig.round_trip(segment(true, tcp::rst));
    CHECK(rig.counts(0) == Counts{2, 2, 0, 0});
    rig.out(segment(true, tcp::rst)); // closed
    CHECK(rig.counts(0) == Counts{2, 2, 0, 0});
}

TEST_CASE("passive health: flows that do not count as unanswered", "[passive]") {
    Watched rig;
    const auto flow = udp(false);
    SECTION("a flow that is not established") {
        rig.round_trip(flow.there);
        rig.out(flow.there);
    }
    SECTION("a group without passive health") {
        rig.reconfigure([](auto &config) { config.groups[0].passive = false; });
        establish(rig, flow);
        rig.out(flow.there);
    }
    SECTION("an endpoint never seen through this target") {
        establish(rig, flow);
        REQUIRE(rig.roles.config.forget_target(0));
        rig.out(flow.there);
    }
    SECTION("a packet that exceeds the tunnel MTU") {
        establish(rig, flow);
        CHECK(rig.send((Eth{.dst = node_mac} / flow.there / Payload{Bytes(1405)}).bytes()).code == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_TOO_BIG) == 1);
    }
    SECTION("an ICMP error about the flow, and a fragment") {
        establish(rig, flow);
        rig.out(IPv4{.src = "203.0.113.254", .dst = "192.0.2.10"} / icmp_unreachable(13) / flow.there);
        rig.out(IPv4{.fragment_offset = 100, .ip_proto = 17} / Payload{Bytes(64)});
    }
    CHECK(rig.counts(0).unanswered == 0);
}

TEST_CASE("passive health: packets lost by the previous target do not count against the next one",
          "[passive]") {
    Watched rig;
    const auto flow = udp(false);
    rig.only(1);
    establish(rig, udp(false, 5000)); // so that the endpoint is seen through both
    rig.only(0);
    establish(rig, flow);
    rig.out(flow.there);
    CHECK(rig.counts(0).unanswered == 1);

    rig.only(1);
    const auto moved = rig.out(flow.there);
    CHECK(rig.count(GLB_COUNT_FLOW_RESTEERED) == 1);
    CHECK(moved.at(5) == target2_mac.bytes[5]);
    rig.return_packet(moved, flow.there);
    CHECK(rig.counts(0).answered == 0);
    CHECK(rig.counts(1).answered == rig.counts(1).unanswered);
    rig.round_trip(flow.there);
    CHECK(rig.counts(1).unanswered >= 1);
}

TEST_CASE("passive health: new flows of a seen endpoint count as attempted, and as confirmed once",
          "[passive]") {
    Watched rig;
    const bool six = GENERATE(false, true);
    const auto first = udp(six, 4001);
    rig.out(first.there);
    CHECK(rig.counts(0) == Counts{});
    rig.round_trip(first.there);
    CHECK(rig.counts(0).confirmed == 0); // it was not counted as attempted

    rig.only(1); // a target through which this endpoint was never seen
    const auto dead = udp(six, 4002);
    rig.out(dead.there);
    rig.out(dead.there);
    CHECK(rig.counts(1) == Counts{0, 0, 1, 0});
    rig.only(0);
    const auto alive = udp(six, 4003);
    rig.round_trip(alive.there);
    rig.round_trip(alive.there);
    rig.round_trip(alive.answer);
    CHECK(rig.counts(0) == Counts{0, 0, 1, 1});

    // Moved from a target that never answered: not confirmed there, and not attempted here.
    rig.round_trip(dead.there);
    CHECK(rig.counts(0) == Counts{0, 0, 1, 1});
    CHECK(rig.counts(1) == Counts{0, 0, 1, 0});
}

TEST_CASE("passive health: midstream flows do not count as attempted", "[passive]") {
    Watched rig;
    rig.round_trip(udp(false).there);
    const auto before = rig.counts(0);
    rig.round_trip(segment(true, tcp::ack));
    CHECK(rig.count(GLB_COUNT_FLOW_MIDSTREAM) == 1);
    CHECK(rig.counts(0) == before);
    rig.round_trip(segment(true, tcp::rst));
    rig.round_trip(segment(true, tcp::syn)); // restarts in the closed entry
    CHECK(rig.counts(0).attempted == before.attempted + 1);
    CHECK(rig.counts(0).confirmed == before.confirmed + 1);
}

TEST_CASE("passive health: endpoints are recorded as seen on return and cleared when an index is reused",
          "[passive]") {
    Watched rig;
    const auto flow = udp(false);
    const auto &pairs = rig.roles.handles->endpoint_target_seen();
    const auto sent = rig.out(flow.there);
    CHECK_FALSE(pairs.was_seen(sample_endpoint));
    rig.return_packet(sent, flow.there);
    CHECK(pairs.was_seen(sample_endpoint));
    CHECK(pairs.was_seen(sample_endpoint, 0));
    CHECK_FALSE(pairs.was_seen(sample_endpoint, 1));
    CHECK_FALSE(pairs.was_seen(sample_endpoint - 1));
    SECTION("of a target") {
        REQUIRE(rig.roles.config.forget_target(0));
        CHECK_FALSE(pairs.was_seen(sample_endpoint, 0));
        CHECK(pairs.was_seen(sample_endpoint));
        CHECK(rig.roles.counters.target_count(0)->returned.packets == 0);
    }
    SECTION("of another target") {
        REQUIRE(rig.roles.config.forget_target(1));
        CHECK(pairs.was_seen(sample_endpoint, 0));
    }
    SECTION("of an endpoint") {
        REQUIRE(rig.roles.config.forget_endpoint(sample_endpoint));
        CHECK_FALSE(pairs.was_seen(sample_endpoint, 0));
        CHECK_FALSE(pairs.was_seen(sample_endpoint));
    }
    CHECK_FALSE(rig.roles.config.forget_target(GLB_MAX_TARGETS));
    CHECK_FALSE(rig.roles.config.forget_endpoint(GLB_MAX_ENDPOINTS));
}
