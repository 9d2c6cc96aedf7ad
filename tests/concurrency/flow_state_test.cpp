// The state machine of a flow, as a table of returned segments.
#include <catch2/catch.hpp>

#include <set>

#include "flow/flow_state.h"

namespace {

constexpr __u32 fin = GLB_TCP_FIN, syn = GLB_TCP_SYN, rst = GLB_TCP_RST, ack = GLB_TCP_ACK;

__u32 tcp(__u32 code, __u32 segment, __u32 orientation, int payload = 0) {
    return glb_flow_advance(code, 1, segment, payload, orientation);
}

/// All states that segments of one orientation reach from `from`, whatever their flags, order and number.
std::set<__u32> reachable(__u32 from, bool is_tcp, __u32 orientation) {
    std::set<__u32> seen{from};
    for (std::size_t before = 0; before != seen.size();) {
        before = seen.size();
        for (const auto code : std::set(seen))
            for (__u32 flags = 0; flags <= (fin | syn | rst | ack); ++flags)
                for (const int payload : {0, 1})
                    seen.insert(glb_flow_advance(code, is_tcp, flags, payload, orientation));
    }
    return seen;
}

/// Whether a flow in this state is established, was, or has returned a packet of the orientation.
bool has_evidence_of(__u32 code, __u32 orientation) {
    return glb_flow_is_established(code) || code == GLB_FLOW_CLOSED ||
           code == GLB_FLOW_EMBRYONIC_0 + orientation || code == GLB_FLOW_EMBRYONIC_SYNACK_0 + orientation ||
           code == GLB_FLOW_EMBRYONIC_LONG_0 + orientation;
}

} // namespace

TEST_CASE("flow state: no sequence of segments of one direction reaches established", "[flow]") {
    for (__u32 from = GLB_FLOW_NEW; from < GLB_FLOW_CODES; ++from)
        for (const __u32 orientation : {0u, 1u})
            for (const bool is_tcp : {true, false}) {
                if (has_evidence_of(from, 1 - orientation))
                    continue;
                CAPTURE(from, orientation, is_tcp);
                const auto states = reachable(from, is_tcp, orientation);
                CHECK(states.count(GLB_FLOW_ESTABLISHED) == 0);
                CHECK(states.count(GLB_FLOW_CLOSING_0) + states.count(GLB_FLOW_CLOSING_1) == 0);
                CHECK(states.count(GLB_FLOW_CLOSED) == 0);
            }
}

TEST_CASE("flow state: data reopens a closed flow to established only if it was", "[flow]") {
    const __u32 end = GENERATE(0u, 1u);
    for (const __u32 before : {GLB_FLOW_ESTABLISHED, GLB_FLOW_CLOSING_0, GLB_FLOW_CLOSING_1})
        CHECK(tcp(tcp(before, rst, end), ack, end, 1) == GLB_FLOW_ESTABLISHED);
    for (__u32 before = GLB_FLOW_NEW; before < GLB_FLOW_ESTABLISHED; ++before) {
        CAPTURE(before);
        const auto closed = tcp(before, rst, end);
        CHECK(closed == GLB_FLOW_CLOSED_EMBRYONIC);
        CHECK(tcp(closed, rst, end) == closed);
        CHECK(tcp(closed, ack, end) == closed);
        CHECK(tcp(closed, syn, end, 1) == closed);
        CHECK(glb_flow_timeout(closed, 1, 5000, 2000) == GLB_CLOSED_TICKS);
        const auto reopened = tcp(closed, ack, end, 1);
        CHECK(reopened == GLB_FLOW_EMBRYONIC_0 + end);
        CHECK(tcp(reopened, ack, 1 - end) == GLB_FLOW_ESTABLISHED);
    }
}

TEST_CASE("flow state: handshake is established by the initiator's ACK in either orientation", "[flow]") {
    const __u32 initiator = GENERATE(0u, 1u);
    auto code = tcp(GLB_FLOW_NEW, syn, initiator);
    CHECK(code == GLB_FLOW_EMBRYONIC);
    code = tcp(code, syn | ack, 1 - initiator);
    CHECK_FALSE(glb_flow_is_established(code));
    CHECK(tcp(code, ack, 1 - initiator) == code); // the responder's ACKs are not sufficient
    CHECK(tcp(code, ack, initiator) == GLB_FLOW_ESTABLISHED);
}

TEST_CASE("flow state: a midstream flow is established by ACKs of both orientations", "[flow]") {
    const auto one = tcp(GLB_FLOW_NEW, ack, 0);
    CHECK(one == GLB_FLOW_EMBRYONIC_0);
    CHECK(tcp(one, ack, 0) == GLB_FLOW_EMBRYONIC_0);
    CHECK(tcp(one, ack, 1) == GLB_FLOW_ESTABLISHED);
}

TEST_CASE("flow state: returned SYNs never establish a flow", "[flow]") {
    __u32 code = GLB_FLOW_NEW;
    for (int i = 0; i < 10; ++i)
        code = tcp(code, syn, static_cast<__u32>(i % 2));
    CHECK(code == GLB_FLOW_EMBRYONIC);
    CHECK(glb_flow_timeout(code, 1, 5000, 2000) == GLB_NEW_TICKS);
}

TEST_CASE("flow state: orderly close, its last ACK leaves the flow closed", "[flow]") {
    auto code = tcp(GLB_FLOW_ESTABLISHED, fin | ack, 1);
    CHECK(code == GLB_FLOW_CLOSING_1);
    CHECK(glb_flow_is_established(code)); // the other side may go on sending for hours
    CHECK(tcp(code, fin | ack, 1) == GLB_FLOW_CLOSING_1);
    code = tcp(code, fin | ack, 0);
    CHECK(code == GLB_FLOW_CLOSED);
    CHECK(tcp(code, ack, 1) == GLB_FLOW_CLOSED);
    CHECK(tcp(code, fin | ack, 1, 1) == GLB_FLOW_CLOSED);
    CHECK(tcp(code, rst, 0) == GLB_FLOW_CLOSED);
    CHECK(tcp(code, ack, 0, 1) == GLB_FLOW_ESTABLISHED); // the FINs were forged: data continues
}

TEST_CASE("flow state: other protocols are established when both orientations have returned", "[flow]") {
    const auto other = [](__u32 code, __u32 orientation) {
        return glb_flow_advance(code, 0, 0, 0, orientation);
    };
    const __u32 first = GENERATE(0u, 1u);
    const auto one = other(GLB_FLOW_NEW, first);
    CHECK(glb_flow_timeout(one, 0, 5000, 2000) == GLB_NEW_TICKS);
    CHECK(other(one, 1 - first) == GLB_FLOW_ESTABLISHED);
    CHECK(other(one, first) == one);
    CHECK(glb_flow_advance_one_way(one, GLB_ONE_WAY_TICKS - 1, first) == one);
    CHECK(glb_flow_advance_one_way(one, GLB_ONE_WAY_TICKS, 1 - first) == one);
    const auto two = glb_flow_advance_one_way(one, GLB_ONE_WAY_TICKS, first);
    CHECK_FALSE(glb_flow_is_established(two));
    CHECK(glb_flow_timeout(two, 0, 5000, 2000) == 2000); // one-way traffic is legitimate
    CHECK(other(two, first) == two);
    CHECK(other(two, 1 - first) == GLB_FLOW_ESTABLISHED);
}

TEST_CASE("flow state: one-way TCP is established by an ACK of the other orientation", "[flow]") {
    const __u32 first = GENERATE(0u, 1u);
    const auto one = glb_flow_advance_one_way(tcp(GLB_FLOW_NEW, ack, first), GLB_ONE_WAY_TICKS, first);
    CHECK(one == GLB_FLOW_EMBRYONIC_LONG_0 + first);
    CHECK(tcp(one, ack, first) == one);
    CHECK(tcp(one, ack, 1 - first) == GLB_FLOW_ESTABLISHED);
}

TEST_CASE("flow state: timeouts follow the state", "[flow]") {
    CHECK(glb_flow_timeout(GLB_FLOW_NEW, 1, 5000, 2000) == GLB_NEW_TICKS);
    CHECK(glb_flow_timeout(GLB_FLOW_EMBRYONIC_0, 1, 5000, 2000) == 5000);
    CHECK(glb_flow_timeout(GLB_FLOW_ESTABLISHED, 1, 5000, 2000) == 5000);
    CHECK(glb_flow_timeout(GLB_FLOW_CLOSING_0, 1, 5000, 2000) == 5000);
    CHECK(glb_flow_timeout(GLB_FLOW_ESTABLISHED, 0, 5000, 2000) == 2000);
    CHECK(glb_flow_timeout(GLB_FLOW_CLOSED, 1, 5000, 2000) == GLB_CLOSED_TICKS);
}
