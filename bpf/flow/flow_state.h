/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The life of a flow: one pure function. It is called for the return leg only: what a target sent back is
 * evidence, what a client sent is not. ICMP errors and fragments never come here.
 */
#ifndef GLB_STEER_FLOW_STATE_H
#define GLB_STEER_FLOW_STATE_H

#include "abi/flow.h"

#define GLB_SEG_FIN 0x01
#define GLB_SEG_SYN 0x02
#define GLB_SEG_RST 0x04
#define GLB_SEG_ACK 0x10

/* An established flow of another protocol than TCP may be replaced after this much silence. */
#define GLB_REPLACE_TICKS (10 * GLB_TICKS_PER_SECOND)

static inline int glb_flow_is_established(__u32 code) {
    return code >= GLB_FLOW_ESTABLISHED && code < GLB_FLOW_CLOSED;
}

/* What follows from reset is told in reset/step.h, and no returned packet leads out of it. */
static inline int glb_flow_is_reset(__u32 code) {
    return code >= GLB_FLOW_RESET;
}

static inline __u32 glb_flow_advance_other(__u32 code, __u32 orientation) {
    if (code <= GLB_FLOW_EMBRYONIC)
        return GLB_FLOW_EMBRYONIC_0 + orientation;
    if (code == GLB_FLOW_EMBRYONIC_0 + orientation)
        return GLB_FLOW_EMBRYONIC_LONG_0 + orientation;
    if (code == GLB_FLOW_EMBRYONIC_1 - orientation || code == GLB_FLOW_EMBRYONIC_LONG_1 - orientation)
        return GLB_FLOW_ESTABLISHED;
    return code;
}

static inline __u32 glb_flow_advance_half_tcp(__u32 code, __u32 segment, __u32 orientation) {
    if (segment & GLB_SEG_SYN) {
        if (segment & GLB_SEG_ACK)
            return GLB_FLOW_EMBRYONIC_SYNACK_0 + orientation;
        return code == GLB_FLOW_NEW ? GLB_FLOW_EMBRYONIC : code;
    }
    if (!(segment & GLB_SEG_ACK))
        return code <= GLB_FLOW_EMBRYONIC ? GLB_FLOW_EMBRYONIC_LONG : code;
    if (code == GLB_FLOW_EMBRYONIC_SYNACK_1 - orientation || code == GLB_FLOW_EMBRYONIC_1 - orientation)
        return GLB_FLOW_ESTABLISHED;
    if (code == GLB_FLOW_EMBRYONIC_SYNACK_0 + orientation)
        return code;
    return GLB_FLOW_EMBRYONIC_0 + orientation;
}

/*
 * The code after a returned packet. `segment` has the TCP flags (0 for other protocols), `payload` says
 * whether it carries data. A closed flow is reopened by data alone: the last ACK of every orderly end, and a
 * retransmitted FIN, follow both FINs and must leave it closed.
 */
static inline __u32 glb_flow_advance(__u32 code, int tcp, __u32 segment, int payload, __u32 orientation) {
    if (glb_flow_is_reset(code))
        return code;
    if (!tcp)
        return glb_flow_advance_other(code, orientation);
    if (segment & GLB_SEG_RST)
        return GLB_FLOW_CLOSED;
    if (code == GLB_FLOW_CLOSED)
        return payload && !(segment & GLB_SEG_FIN) ? GLB_FLOW_ESTABLISHED : code;
    if (code < GLB_FLOW_ESTABLISHED)
        code = glb_flow_advance_half_tcp(code, segment, orientation);
    if (code < GLB_FLOW_ESTABLISHED || !(segment & GLB_SEG_FIN))
        return code;
    if (code == GLB_FLOW_ESTABLISHED)
        return GLB_FLOW_CLOSING_0 + orientation;
    return code == GLB_FLOW_CLOSING_1 - orientation ? GLB_FLOW_CLOSED : code;
}

#endif
