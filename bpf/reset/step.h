/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The reset of a TCP flow, as a pure function of its state and a segment. Both ends must receive a RST whose
 * sequence number they accept (RFC 9293, section 3.10.7.4; RFC 5961, section 3):
 *
 *   to the sender   the acknowledgement number of its own segment, which is exactly the number it expects
 *   to the far end  the sender's highest sequence number: either the one that the far end expects, or one
 *                   inside its window, in which case its challenge ACK leads to the exact one
 *
 * The sender of a bare ACK may never send again, so it is answered at once. The sender of data retransmits,
 * so the far end, which may only be receiving, is reset first. But the data may be a retransmission whose
 * acknowledgement was lost with the target, and a RST with its sequence number would be discarded as old.
 * Therefore the sender is probed by a keepalive (RFC 9293, section 3.8.4), to which it replies by an ACK with
 * its highest sequence number. An appliance may have given each end other numbers than its peer's, and a RST
 * with the sender's would be discarded without a reply. So the far end is probed too: the sender's ACK is
 * forwarded with SYN set, to which every TCP in a synchronized state replies by a challenge ACK, whatever the
 * number (RFC 5961, section 4), and that is answered with the number that it expects. If the far end does not
 * reply, because a firewall has dropped the probe, the sender's next segment becomes the RST. (docs/design/0008)
 */
#ifndef GLB_RESET_STEP_H
#define GLB_RESET_STEP_H

#include "flow/flow_state.h"

enum glb_reset_action {
    GLB_RESET_DROP = 0, /* nothing can be answered: a segment without ACK, or a RST of a flow already reset */
    GLB_RESET_ANSWER,   /* back to its sender as a RST */
    GLB_RESET_PROBE,    /* back to its sender as a keepalive probe */
    GLB_RESET_FORWARD,  /* to the far end, rewritten to a RST */
    GLB_RESET_ASK,      /* to the far end, rewritten to a SYN-ACK, which it challenges */
};

struct glb_reset_step {
    __u32 action; /* enum glb_reset_action */
    __u32 code;   /* the flow's next state */
};

/*
 * `code` is established, closing, or a reset state. `flags` are the TCP flags, `payload` is non-zero if the
 * segment carries data. Not called for a bare SYN, which starts a new flow.
 */
static inline struct glb_reset_step glb_reset_step(__u32 code, __u32 flags, int payload, __u32 orientation) {
    const int probed = code == GLB_FLOW_RESET_PROBED_0 + orientation;
    struct glb_reset_step step = {GLB_RESET_DROP, code};

    if (flags & GLB_TCP_RST) {
        /* Its sender has closed the connection; the far end may not know. */
        if (code != GLB_FLOW_RESET)
            step = (struct glb_reset_step){GLB_RESET_FORWARD, GLB_FLOW_RESET};
        return step;
    }
    if (!(flags & GLB_TCP_ACK))
        return step;
    if (probed)
        return (struct glb_reset_step){GLB_RESET_ASK, GLB_FLOW_RESET_ASKED_1 - orientation};
    if (code == GLB_FLOW_RESET_ASKED_1 - orientation)
        return (struct glb_reset_step){GLB_RESET_FORWARD, GLB_FLOW_RESET};
    /* SYN and FIN are retransmitted as data is. */
    if (code < GLB_FLOW_RESET && (payload || (flags & (GLB_TCP_SYN | GLB_TCP_FIN))))
        return (struct glb_reset_step){GLB_RESET_PROBE, GLB_FLOW_RESET_PROBED_0 + orientation};
    return (struct glb_reset_step){GLB_RESET_ANSWER, GLB_FLOW_RESET};
}

#endif
