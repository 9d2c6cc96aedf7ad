/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The state machine of a flow, as pure functions. Only packets of the return leg advance it: a packet that a
 * target returned has passed inspection, a packet from a client has not. ICMP errors and fragments do not
 * advance it.
 */
#ifndef GLB_FLOW_FLOW_STATE_H
#define GLB_FLOW_FLOW_STATE_H

#include "abi/flow.h"
#include "lib/tcp.h"

/* Idle time after which a one-way flow, or an established one of a protocol other than TCP, may be replaced. */
#define GLB_REPLACE_TICKS (10 * GLB_TICKS_PER_SECOND)
/* Age at which a flow of which one orientation has returned counts as one-way. */
#define GLB_ONE_WAY_TICKS (2 * GLB_TICKS_PER_SECOND)

static inline int glb_flow_is_established(__u32 code) {
    return code >= GLB_FLOW_ESTABLISHED && code < GLB_FLOW_CLOSED;
}

static inline int glb_flow_is_one_way(__u32 code) {
    return code == GLB_FLOW_EMBRYONIC_LONG_0 || code == GLB_FLOW_EMBRYONIC_LONG_1;
}

static inline int glb_flow_is_closed(__u32 code) {
    return code == GLB_FLOW_CLOSED || code == GLB_FLOW_CLOSED_EMBRYONIC;
}

/* Transitions within the reset states are in reset/step.h. No returned packet leaves them. */
static inline int glb_flow_is_reset(__u32 code) {
    return code >= GLB_FLOW_RESET && code != GLB_FLOW_CLOSED_EMBRYONIC;
}

static inline __u32 glb_flow_advance_other(__u32 code, __u32 orientation) {
    if (code <= GLB_FLOW_EMBRYONIC)
        return GLB_FLOW_EMBRYONIC_0 + orientation;
    if (code == GLB_FLOW_EMBRYONIC_1 - orientation || code == GLB_FLOW_EMBRYONIC_LONG_1 - orientation)
        return GLB_FLOW_ESTABLISHED;
    return code;
}

static inline __u32 glb_flow_advance_embryonic_tcp(__u32 code, __u32 flags, __u32 orientation) {
    if (flags & GLB_TCP_SYN) {
        if (flags & GLB_TCP_ACK)
            return GLB_FLOW_EMBRYONIC_SYNACK_0 + orientation;
        return code == GLB_FLOW_NEW ? GLB_FLOW_EMBRYONIC : code;
    }
    if (!(flags & GLB_TCP_ACK))
        return code <= GLB_FLOW_EMBRYONIC ? GLB_FLOW_EMBRYONIC_LONG : code;
    if (code == GLB_FLOW_EMBRYONIC_SYNACK_1 - orientation || code == GLB_FLOW_EMBRYONIC_1 - orientation ||
        code == GLB_FLOW_EMBRYONIC_LONG_1 - orientation)
        return GLB_FLOW_ESTABLISHED;
    if (code == GLB_FLOW_EMBRYONIC_SYNACK_0 + orientation || code == GLB_FLOW_EMBRYONIC_LONG_0 + orientation)
        return code;
    return GLB_FLOW_EMBRYONIC_0 + orientation;
}

/*
 * The code of a closed flow after a returned segment without RST. Only data reopens it: the final ACK of an
 * orderly close and a retransmitted FIN follow both FINs and must leave it closed. One that was not
 * established begins anew, so that one side's segments do not establish it.
 */
static inline __u32 glb_flow_advance_closed_tcp(__u32 code, __u32 flags, int payload, __u32 orientation) {
    if (!payload || (flags & (GLB_TCP_SYN | GLB_TCP_FIN)))
        return code;
    if (code == GLB_FLOW_CLOSED)
        return GLB_FLOW_ESTABLISHED;
    return glb_flow_advance_embryonic_tcp(GLB_FLOW_NEW, flags, orientation);
}

/*
 * The code of a flow that stays in `code` after another packet of the orientation returned: one-way once it
 * is old enough. A flood sends its flows' packets at once.
 */
static inline __u32 glb_flow_advance_one_way(__u32 code, __u32 age, __u32 orientation) {
    return code == GLB_FLOW_EMBRYONIC_0 + orientation && age >= GLB_ONE_WAY_TICKS
               ? GLB_FLOW_EMBRYONIC_LONG_0 + orientation
               : code;
}

/*
 * The code after a returned packet. `flags` are the TCP flags (0 for other protocols), `payload` is non-zero
 * if the segment carries data. Packets of one orientation alone never establish a flow.
 */
static inline __u32 glb_flow_advance(__u32 code, int tcp, __u32 flags, int payload, __u32 orientation) {
    if (glb_flow_is_reset(code))
        return code;
    if (!tcp)
        return glb_flow_advance_other(code, orientation);
    if (flags & GLB_TCP_RST)
        return code == GLB_FLOW_CLOSED || glb_flow_is_established(code) ? GLB_FLOW_CLOSED
                                                                        : GLB_FLOW_CLOSED_EMBRYONIC;
    if (glb_flow_is_closed(code))
        return glb_flow_advance_closed_tcp(code, flags, payload, orientation);
    if (code < GLB_FLOW_ESTABLISHED)
        code = glb_flow_advance_embryonic_tcp(code, flags, orientation);
    if (code < GLB_FLOW_ESTABLISHED || !(flags & GLB_TCP_FIN))
        return code;
    if (code == GLB_FLOW_ESTABLISHED)
        return GLB_FLOW_CLOSING_0 + orientation;
    return code == GLB_FLOW_CLOSING_1 - orientation ? GLB_FLOW_CLOSED : code;
}

#endif
