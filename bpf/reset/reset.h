/* SPDX-License-Identifier: GPL-2.0 */
/* The way of a packet whose flow is reset (reset/step.h says which). */
#ifndef GLB_RESET_RESET_H
#define GLB_RESET_RESET_H

#include "forward/bypass.h"
#include "reset/segment.h"
#include "reset/step.h"

/* scratch->onward is filled in. */
static __always_inline struct glb_verdict glb_reset(struct xdp_md *ctx, struct glb_context *scratch,
                                                    __u32 l2_len) {
    const __u32 act = scratch->steering.reset;
    if (act == GLB_RESET_SEND_ON) {
        if (!glb_reset_rewrite(ctx, scratch, l2_len))
            return glb_drop(GLB_DROP_SHORT_LINEAR);
        return glb_uninspected(ctx, scratch, l2_len, GLB_RESET, GLB_RESET_PUNT);
    }
    if (act == GLB_RESET_DROP)
        return glb_drop(GLB_DROP_FLOW_RESET);
    if (!glb_reset_answer(ctx, scratch, l2_len, act == GLB_RESET_ASK))
        return glb_drop(GLB_DROP_SHORT_LINEAR);
    return glb_answer(ctx->ingress_ifindex);
}

#endif
