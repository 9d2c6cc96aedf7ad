/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a flow is reset, and what a packet of it does to its entry. */
#ifndef GLB_RESET_JUDGE_H
#define GLB_RESET_JUDGE_H

#include "parse/packet.h"
#include "pipeline/steer_context.h"
#include "reset/step.h"
#include "steer/maglev.h"

/* A flow that was reset, or an established TCP flow whose target's word says so now. */
static __always_inline int glb_reset_applies(__u64 meta) {
    const __u32 code = glb_meta_code(meta);
    if (glb_flow_is_reset(code))
        return 1;
    if (!(meta & GLB_META_TCP) || !glb_flow_is_established(code))
        return 0;
    const __u64 word = glb_target_state_of(glb_meta_target(meta));
    return (word & (GLB_TARGET_RESET | GLB_TARGET_KEEP_ESTABLISHED)) == GLB_TARGET_RESET;
}

/*
 * What becomes of the packet. Of two CPUs with packets of one flow the first moves it on, and the other
 * judges by what it finds then: so one of them asks or answers first, and the flow is counted once.
 */
static __always_inline enum glb_reset_act glb_reset_decide(const struct glb_steer_ctx *steering,
                                                           struct glb_flow_hot *hot, __u64 meta) {
    const __u32 now = steering->wish.now;
    if (steering->packet_flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR))
        return GLB_RESET_DROP;
    for (int attempt = 0; attempt < 4; attempt++) {
        const __u32 code = glb_meta_code(meta);
        const struct glb_reset_step step =
            glb_reset_step(code, steering->tcp_flags, steering->packet_flags & GLB_PKT_PAYLOAD,
                           steering->wish.orientation & 1);
        if (step.act == GLB_RESET_DROP || (step.code == code && (__u32)meta == now))
            return step.act;
        const __u64 after =
            glb_meta_with_seen(glb_meta_with_code(meta, step.code), now) & ~GLB_META_OUTSTANDING;
        const __u64 before = __sync_val_compare_and_swap(&hot->meta, meta, after);
        if (before == meta) {
            if (!glb_flow_is_reset(code))
                glb_count(GLB_COUNT_RESET, 0);
            return step.act;
        }
        /* Another flow's by now, or not to be reset any more: the sender will repeat itself. */
        if ((before & GLB_META_BUSY) || glb_meta_generation(before) != glb_meta_generation(meta) ||
            !glb_reset_applies(before))
            break;
        meta = before;
    }
    return GLB_RESET_DROP;
}

#endif
