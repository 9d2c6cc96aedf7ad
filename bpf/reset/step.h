/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What a segment of a TCP flow that is reset does, as one pure function. Both ends must hear of the reset by
 * a RST with a sequence number that they believe (RFC 9293, section 3.10.7.4; RFC 5961, section 3):
 *
 *   to the sender   the acknowledgement number of its own segment is the very number that it expects
 *   to the far end  the sender's highest number: what the far end expects, or inside its window, and then its
 *                   challenge ACK brings the exact one
 *
 * Who sends a bare ACK may never send again: it is answered. Who sends data sends it again, so the far end,
 * which may only be listening, comes first. But data may be a retransmission whose acknowledgement got lost
 * in the dead target, and a RST of its number be discarded as old. So its sender is asked, by a keepalive
 * probe (RFC 9293, section 3.8.4), and its answer, an ACK with its highest number, becomes the RST.
 * (docs/design/0008)
 */
#ifndef GLB_RESET_STEP_H
#define GLB_RESET_STEP_H

#include "flow/flow_state.h"

enum glb_reset_act {
    GLB_RESET_DROP = 0, /* nothing is to be answered: no ACK, or a RST that has nothing to tell any more */
    GLB_RESET_ANSWER,   /* back to its sender, as a RST */
    GLB_RESET_ASK,      /* back to its sender, as a keepalive probe */
    GLB_RESET_SEND_ON,  /* to its far end, cut to a RST */
};

struct glb_reset_step {
    __u32 act;
    __u32 code; /* of the flow from now on */
};

/* `code`: established, closing, or a reset one; `payload`: data behind the header; a bare SYN never comes
 * here. */
static inline struct glb_reset_step glb_reset_step(__u32 code, __u32 segment, int payload,
                                                   __u32 orientation) {
    const int asked = code == GLB_FLOW_RESET_ASKED_0 + orientation;
    struct glb_reset_step step = {GLB_RESET_DROP, code};

    if (segment & GLB_SEG_RST) {
        /* Its sender is gone already; the far end may not know. */
        if (code != GLB_FLOW_RESET)
            step = (struct glb_reset_step){GLB_RESET_SEND_ON, GLB_FLOW_RESET};
        return step;
    }
    if (!(segment & GLB_SEG_ACK))
        return step;
    if (asked)
        return (struct glb_reset_step){GLB_RESET_SEND_ON, GLB_FLOW_RESET};
    /* SYN and FIN are sent again, as data is. */
    if (code < GLB_FLOW_RESET && (payload || (segment & (GLB_SEG_SYN | GLB_SEG_FIN))))
        return (struct glb_reset_step){GLB_RESET_ASK, GLB_FLOW_RESET_ASKED_0 + orientation};
    return (struct glb_reset_step){GLB_RESET_ANSWER, GLB_FLOW_RESET};
}

#endif
