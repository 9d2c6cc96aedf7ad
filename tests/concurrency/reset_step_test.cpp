// The reset of a flow, as a table of segments.
#include <catch2/catch.hpp>

#include "reset/step.h"

namespace {

constexpr __u32 fin = GLB_TCP_FIN, syn = GLB_TCP_SYN, rst = GLB_TCP_RST, ack = GLB_TCP_ACK;

struct Expected {
    __u32 action, code;
};

void check(__u32 code, __u32 segment, int payload, __u32 orientation, Expected expected) {
    CAPTURE(code, segment, payload, orientation);
    const auto step = glb_reset_step(code, segment, payload, orientation);
    CHECK(step.action == expected.action);
    CHECK(step.code == expected.code);
}

} // namespace

TEST_CASE("reset step: first segment of a flow", "[reset]") {
    const __u32 code = GENERATE(GLB_FLOW_ESTABLISHED, GLB_FLOW_CLOSING_0, GLB_FLOW_CLOSING_1);
    const __u32 end = GENERATE(0u, 1u);
    const __u32 probed = end ? GLB_FLOW_RESET_PROBED_1 : GLB_FLOW_RESET_PROBED_0;
    check(code, ack, 0, end, {GLB_RESET_ANSWER, GLB_FLOW_RESET});
    check(code, ack, 1, end, {GLB_RESET_PROBE, probed});
    check(code, ack | fin, 0, end, {GLB_RESET_PROBE, probed});
    check(code, ack | syn, 0, end, {GLB_RESET_PROBE, probed});
    check(code, rst, 0, end, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
    check(code, rst | ack, 1, end, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
    for (const __u32 segment : {0u, fin, syn | fin})
        check(code, segment, 1, end, {GLB_RESET_DROP, code});
}

TEST_CASE("reset step: ACK after keepalive probe probes the far end, other ACKs are answered", "[reset]") {
    const __u32 end = GENERATE(0u, 1u);
    const int payload = GENERATE(0, 1);
    const __u32 probed = end ? GLB_FLOW_RESET_PROBED_1 : GLB_FLOW_RESET_PROBED_0;
    const __u32 far_asked = end ? GLB_FLOW_RESET_ASKED_0 : GLB_FLOW_RESET_ASKED_1;
    check(probed, ack, payload, end, {GLB_RESET_ASK, far_asked});
    check(probed, ack, payload, 1 - end, {GLB_RESET_ANSWER, GLB_FLOW_RESET});
    check(probed, rst, payload, end, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
    check(probed, rst, payload, 1 - end, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
    check(probed, 0, payload, end, {GLB_RESET_DROP, probed});
}

TEST_CASE("reset step: the probed far end is answered; if its peer sends first, that is the RST", "[reset]") {
    const __u32 end = GENERATE(0u, 1u);
    const int payload = GENERATE(0, 1);
    const __u32 asked = end ? GLB_FLOW_RESET_ASKED_1 : GLB_FLOW_RESET_ASKED_0;
    check(asked, ack, payload, end, {GLB_RESET_ANSWER, GLB_FLOW_RESET});
    check(asked, ack, payload, 1 - end, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
    for (const __u32 by : {0u, 1u}) {
        check(asked, rst, payload, by, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
        check(asked, 0, payload, by, {GLB_RESET_DROP, asked});
    }
}

TEST_CASE("reset step: a reset flow answers every ACK and no RST", "[reset]") {
    const __u32 end = GENERATE(0u, 1u);
    const int payload = GENERATE(0, 1);
    for (const __u32 segment : {ack, ack | fin, ack | syn})
        check(GLB_FLOW_RESET, segment, payload, end, {GLB_RESET_ANSWER, GLB_FLOW_RESET});
    for (const __u32 segment : {rst, rst | ack, fin, 0u})
        check(GLB_FLOW_RESET, segment, payload, end, {GLB_RESET_DROP, GLB_FLOW_RESET});
}

TEST_CASE("reset step: no returned packet leaves the reset states", "[reset]") {
    const __u32 code = GENERATE(GLB_FLOW_RESET, GLB_FLOW_RESET_PROBED_0, GLB_FLOW_RESET_PROBED_1,
                                GLB_FLOW_RESET_ASKED_0, GLB_FLOW_RESET_ASKED_1);
    CHECK(glb_flow_is_reset(code));
    CHECK_FALSE(glb_flow_is_established(code));
    CHECK(glb_flow_timeout(code, 1, 5000, 2000) == GLB_NEW_TICKS);
    for (const __u32 segment : {syn, ack, rst, ack | fin})
        CHECK(glb_flow_advance(code, 1, segment, 1, 0) == code);
}
