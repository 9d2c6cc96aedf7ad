// Which cookies a returned packet may carry.
#include <catch2/catch.hpp>

#include <algorithm>

#include <linux/bpf.h>

#include "tests/native/full_table.h"
#include "tests/native/two_legs.h"

using namespace glb::test;
using glb::datapath::FlowState;

namespace {

const Packet question = IPv4{} / Udp{.sport = 5000, .dport = 53} / Payload{"a question"};
constexpr const char *host = "192.0.2.10", *router = "203.0.113.254";

class Cookies : public TwoLegs {
  public:
    /// Targets beyond a router: the source MAC of what they return proves nothing.
    void unbind_senders() {
        for (auto &row : kernel.rows<glb_sender>("glb_senders"))
            row.mac = 0;
    }
    void require_strict_cookies() {
        kernel.rows<glb_group>("glb_groups")[2].flags |= GLB_GROUP_STRICT_COOKIE;
    }
    struct Sent {
        unsigned target;
        std::uint32_t cookie;
        std::uint16_t entropy;
    };
    Sent send_out(const Packet &inner) {
        const auto outcome = out(inner);
        REQUIRE(outcome.code == XDP_REDIRECT);
        return {outcome.frame.at(5) == target2_mac.bytes[5] ? 1u : 0u, cookie_of(outcome.frame),
                entropy_of(outcome.frame)};
    }
    bool accepts(const Sent &sent, std::uint32_t cookie, const Packet &inner) {
        const auto frame = returned(sent.target, cookie, sent.entropy, inner);
        return send(frame).code == XDP_REDIRECT;
    }
    /// A packet of those that `make` makes of the numbers from 2 on that goes to that target.
    template <typename F>
    Sent to_same_target(unsigned target, F make) {
        for (std::uint16_t number = 2; number < 60; ++number)
            if (const auto sent = send_out(make(number)); sent.target == target)
                return sent;
        throw std::runtime_error("no flow to the same target");
    }
};

Packet flow_of(std::uint16_t port, const char *source = host) {
    return IPv4{.src = source} / Udp{.sport = port, .dport = 53} / Payload{"a question"};
}
Packet error_about(const Packet &quoted, const char *to = host) {
    return IPv4{.src = router, .dst = to} / icmp_unreachable(1) / quoted;
}

} // namespace

TEST_CASE("cookie: a stale one is forwarded only if its sender is bound by its MAC", "[cookie]") {
    Cookies rig;
    const auto sent = rig.send_out(question);
    const auto forged = GENERATE_COPY(sent.cookie ^ 0x80, sent.cookie ^ 0x100, 0u, 0xffffffffu);
    SECTION("bound") {
        CHECK(rig.accepts(sent, forged, question));
        CHECK(rig.count(GLB_COUNT_COOKIE_STALE) == 1);
    }
    SECTION("not bound") {
        rig.unbind_senders();
        CHECK_FALSE(rig.accepts(sent, forged, question));
        CHECK(rig.drops(GLB_DROP_COOKIE_MISMATCH) == 1);
        CHECK(rig.count_flows(FlowState::unconfirmed) == 1);
        CHECK(rig.flows().at(0).back.packets == 0);
        CHECK(rig.accepts(sent, sent.cookie, question));
    }
}

TEST_CASE("cookie: that of the flow's own earlier entry is accepted, not of another slot", "[cookie]") {
    Cookies rig;
    rig.unbind_senders();
    const auto sent = rig.send_out(question);
    const auto generation = sent.cookie & 0xff;
    const auto earlier = [&](unsigned by) { return (sent.cookie & ~0xffu) | ((generation - by) & 0xff); };
    CHECK(rig.accepts(sent, earlier(1), question)); // it was evicted, and the flow came back to its slot
    CHECK(rig.accepts(sent, earlier(7), question));
    CHECK_FALSE(rig.accepts(sent, earlier(8), question));
    CHECK_FALSE(rig.accepts(sent, earlier(1) ^ 0x800000, question));
    CHECK(rig.drops(GLB_DROP_COOKIE_MISMATCH) == 2);
}

TEST_CASE("cookie: an untracked flow of an unbound sender needs the cookie that it was sent with",
          "[cookie]") {
    Cookies rig;
    FullTable table(question, rig);
    rig.unbind_senders();
    const auto sent = rig.send_out(question);
    REQUIRE(rig.count(GLB_COUNT_UNTRACKED) == 1);
    for (const auto forged : {0u, sent.cookie ^ 0x80, 0x500u})
        CHECK_FALSE(rig.accepts(sent, forged, question));
    CHECK(rig.drops(GLB_DROP_COOKIE_MISMATCH) == 3);
    CHECK(rig.accepts(sent, sent.cookie, question));
    CHECK(rig.send_out(question).cookie == sent.cookie);

    // The flow finds a place while that packet is at the appliance.
    table.put(5, {.code = GLB_FLOW_FREE});
    CHECK(rig.send_out(question).cookie != sent.cookie);
    CHECK(rig.accepts(sent, sent.cookie, question));
}

TEST_CASE("cookie: fragments and ICMP errors of unbound senders need a cookie of their endpoint",
          "[cookie]") {
    Cookies rig;
    rig.unbind_senders();
    const Packet packet = GENERATE(Packet(IPv4{.fragment_offset = 100, .ip_proto = 17} / Payload{Bytes(64)}),
                                   error_about(flow_of(99)));
    const auto sent = rig.send_out(packet);
    CHECK(rig.accepts(sent, sent.cookie, packet));
    CHECK_FALSE(rig.accepts(sent, 0, packet));
    CHECK_FALSE(rig.accepts(sent, sent.cookie ^ 0x80, packet));
    CHECK(rig.drops(GLB_DROP_COOKIE_MISMATCH) == 2);
}

TEST_CASE("cookie: an ICMP error may carry that of another flow of its host", "[cookie]") {
    Cookies rig;
    const bool strict = GENERATE(true, false);
    if (strict)
        rig.require_strict_cookies();
    else
        rig.unbind_senders();
    const auto sent = rig.send_out(flow_of(1));
    const auto error = error_about(flow_of(1));
    // The appliance returns the newest header from the router to the host.
    const auto other = rig.to_same_target(sent.target, [](std::uint16_t port) { return flow_of(port); });
    CHECK(rig.accepts(sent, other.cookie, error));
    const auto untracked = rig.to_same_target(sent.target, [](std::uint16_t port) {
        return error_about(flow_of(static_cast<std::uint16_t>(port + 100)));
    });
    CHECK(rig.accepts(sent, untracked.cookie, error));
    CHECK(rig.drops(GLB_DROP_COOKIE_MISMATCH) == 0);
    CHECK(rig.count(GLB_COUNT_COOKIE_STALE) == 0);

    SECTION("but not of another host") {
        const auto far =
            rig.to_same_target(sent.target, [](std::uint16_t port) { return flow_of(port, "192.0.2.77"); });
        CHECK_FALSE(rig.accepts(sent, far.cookie, error));
        CHECK(rig.drops(GLB_DROP_COOKIE_MISMATCH) == 1);
    }
    SECTION("nor of another target's flow") {
        const auto far =
            rig.to_same_target(1 - sent.target, [](std::uint16_t port) { return flow_of(port); });
        CHECK_FALSE(rig.accepts(sent, far.cookie, error));
    }
    SECTION("nor one of an ended entry") {
        CHECK_FALSE(rig.accepts(sent, other.cookie ^ 0x80, error));
    }
    SECTION("and a packet of the flow itself may not") {
        CHECK_FALSE(rig.accepts(sent, other.cookie, flow_of(1)));
    }
}
