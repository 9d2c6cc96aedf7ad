/* SPDX-License-Identifier: GPL-2.0 */
/* What a packet of a flow that is reset does to its entry. */
#ifndef GLB_RESET_DECIDE_H
#define GLB_RESET_DECIDE_H

#include "flow/target_policy.h"
#include "pipeline/context.h"
#include "reset/step.h"

#define GLB_RESET_RETRY (-1)

/*
 * One attempt to advance the entry from flow->meta: an enum glb_reset_action, or GLB_RESET_RETRY with
 * flow->meta as found in the entry. Global, so that it is verified once.
 */
__noinline int glb_reset_attempt(const struct glb_steer_ctx *steer, struct glb_flow_ref *flow) {
    if (!steer || !flow || flow->slot < 0)
        return GLB_RESET_DROP;
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)flow->slot);
    if (!hot)
        return GLB_RESET_DROP;
    const __u64 seen = flow->meta;
    const __u32 code = glb_meta_code(seen);
    const struct glb_reset_step step = glb_reset_step(
        code, steer->tcp_flags, steer->packet_flags & GLB_PKT_PAYLOAD, steer->key.orientation & 1);
    if (step.action == GLB_RESET_DROP || (step.code == code && (__u32)seen == steer->now))
        return (int)step.action;
    const __u64 next =
        glb_meta_with_seen(glb_meta_with_code(seen, step.code), steer->now) & ~GLB_META_OUTSTANDING;
    const __u64 found = glb_flow_update(hot, seen, next);
    if (found == seen) {
        if (!glb_flow_is_reset(code))
            glb_count(GLB_COUNT_RESET, 0);
        return (int)step.action;
    }
    /* The entry belongs to another flow, or is no longer to be reset: the sender will retransmit. */
    if (!glb_flow_is_same(found, seen) || !glb_reset_applies(found))
        return GLB_RESET_DROP;
    flow->meta = found;
    return GLB_RESET_RETRY;
}

/*
 * Advances the entry of a flow to which glb_reset_applies(), and returns what to do with the packet: an enum
 * glb_reset_action. If two CPUs process packets of the flow concurrently, the second decides by the state
 * that the first wrote: one of them probes or answers first, and the flow is counted once.
 */
static __always_inline int glb_reset_decide(const struct glb_steer_ctx *steer, struct glb_flow_ref *flow) {
    if (steer->packet_flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR))
        return GLB_RESET_DROP;
#pragma unroll /* Linux 6.1 refuses some loops, depending on their layout (tests/verifier/check_loops.py) */
    for (int attempt = 0; attempt < 4; attempt++) {
        const int action = glb_reset_attempt(steer, flow);
        if (action != GLB_RESET_RETRY)
            return action;
    }
    return GLB_RESET_DROP;
}

#endif
