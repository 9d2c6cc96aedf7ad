// What the segments of a reset flow do, as a table: pure, no root.
#include <catch2/catch.hpp>

#include "reset/step.h"

namespace {

constexpr __u32 fin = GLB_TCP_FIN, syn = GLB_TCP_SYN, rst = GLB_TCP_RST, ack = GLB_TCP_ACK;

struct Expected {
    __u32 act, code;
};

void check(__u32 code, __u32 segment, int payload, __u32 orientation, Expected expected) {
    CAPTURE(code, segment, payload, orientation);
    const auto step = glb_reset_step(code, segment, payload, orientation);
    CHECK(step.act == expected.act);
    CHECK(step.code == expected.code);
}

} // namespace

TEST_CASE("the first segment of a flow to be reset", "[reset]") {
    const __u32 code = GENERATE(GLB_FLOW_ESTABLISHED, GLB_FLOW_CLOSING_0, GLB_FLOW_CLOSING_1);
    const __u32 end = GENERATE(0u, 1u);
    const __u32 asked = end ? GLB_FLOW_RESET_PROBED_1 : GLB_FLOW_RESET_PROBED_0;
    check(code, ack, 0, end, {GLB_RESET_ANSWER, GLB_FLOW_RESET});
    check(code, ack, 1, end, {GLB_RESET_PROBE, asked});
    check(code, ack | fin, 0, end, {GLB_RESET_PROBE, asked});
    check(code, ack | syn, 0, end, {GLB_RESET_PROBE, asked});
    check(code, rst, 0, end, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
    check(code, rst | ack, 1, end, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
    for (const __u32 segment : {0u, fin, syn | fin})
        check(code, segment, 1, end, {GLB_RESET_DROP, code});
}

TEST_CASE("who was asked tells the far end; whoever else has an ACK is answered", "[reset]") {
    const __u32 end = GENERATE(0u, 1u);
    const int payload = GENERATE(0, 1);
    const __u32 asked = end ? GLB_FLOW_RESET_PROBED_1 : GLB_FLOW_RESET_PROBED_0;
    check(asked, ack, payload, end, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
    check(asked, ack, payload, 1 - end, {GLB_RESET_ANSWER, GLB_FLOW_RESET});
    check(asked, rst, payload, end, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
    check(asked, rst, payload, 1 - end, {GLB_RESET_FORWARD, GLB_FLOW_RESET});
    check(asked, 0, payload, end, {GLB_RESET_DROP, asked});
}

TEST_CASE("a flow that is reset answers every ACK, and no RST", "[reset]") {
    const __u32 end = GENERATE(0u, 1u);
    const int payload = GENERATE(0, 1);
    for (const __u32 segment : {ack, ack | fin, ack | syn})
        check(GLB_FLOW_RESET, segment, payload, end, {GLB_RESET_ANSWER, GLB_FLOW_RESET});
    for (const __u32 segment : {rst, rst | ack, fin, 0u})
        check(GLB_FLOW_RESET, segment, payload, end, {GLB_RESET_DROP, GLB_FLOW_RESET});
}

TEST_CASE("no returned packet leads out of reset", "[reset]") {
    const __u32 code = GENERATE(GLB_FLOW_RESET, GLB_FLOW_RESET_PROBED_0, GLB_FLOW_RESET_PROBED_1);
    CHECK(glb_flow_is_reset(code));
    CHECK_FALSE(glb_flow_is_established(code));
    CHECK(glb_flow_timeout(code, 1, 5000, 2000) == GLB_NEW_TICKS);
    for (const __u32 segment : {syn, ack, rst, ack | fin})
        CHECK(glb_flow_advance(code, 1, segment, 1, 0) == code);
}
