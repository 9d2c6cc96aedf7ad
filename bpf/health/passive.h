/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Evidence for passive health: flows that were sent to their target and have had no packet returned since,
 * and new flows of which no packet ever returned (docs/design/0009-passive-health-in-the-data-path.md). It is
 * counted in the target's row of this CPU; the controller's outlier detector evaluates it.
 */
#ifndef GLB_HEALTH_PASSIVE_H
#define GLB_HEALTH_PASSIVE_H

#include "pipeline/context.h"
#include "telemetry/counters.h"

static __always_inline __u64 *glb_seen_row(__u32 endpoint, __u32 target) {
    const __u32 row =
        (endpoint & (GLB_MAX_ENDPOINTS - 1)) * GLB_SEEN_ROW_WORDS + (target & (GLB_MAX_TARGETS - 1)) / 64;
    return bpf_map_lookup_elem(&glb_endpoint_target_seen, &row);
}

static __always_inline __u64 *glb_seen_any_row(__u32 endpoint) {
    const __u32 row = GLB_SEEN_ANY + (endpoint & (GLB_MAX_ENDPOINTS - 1));
    return bpf_map_lookup_elem(&glb_endpoint_target_seen, &row);
}

/* Whether the target ever returned a packet of the endpoint. */
static __always_inline int glb_seen_test(__u32 endpoint, __u32 target) {
    const __u64 *seen = glb_seen_row(endpoint, target);
    return seen && GLB_READ(*seen) >> (target & 63) & 1;
}

/* Whether any target did. */
static __always_inline int glb_seen_test_any(__u32 endpoint) {
    const __u64 *seen = glb_seen_any_row(endpoint);
    return seen && GLB_READ(*seen);
}

/* Called for every returned packet, since the controller may clear the bit at any time. */
static __always_inline void glb_seen_set(__u32 endpoint, __u32 target) {
    __u64 *seen = glb_seen_row(endpoint, target);
    if (!seen || glb_likely(GLB_READ(*seen) >> (target & 63) & 1))
        return;
    __sync_fetch_and_or(seen, 1ull << (target & 63));
    __u64 *any = glb_seen_any_row(endpoint);
    if (any && !GLB_READ(*any))
        __sync_fetch_and_or(any, 1);
}

/*
 * A packet of a tracked flow was sent to its target: updates last seen if its tick has changed and sets
 * `outstanding` on an established flow, in one compare-and-swap. If that fails, another packet of the flow
 * has done the former, and a returned packet may have cleared the latter: the next packet sets it.
 */
static __always_inline void glb_flow_mark_outstanding(const struct glb_steer_ctx *steer,
                                                      const struct glb_flow_ref *flow, __u32 group_flags,
                                                      struct glb_target_count *count) {
    if (flow->slot < 0)
        return;
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)flow->slot);
    if (!hot)
        return;
    const __u64 meta = GLB_READ(hot->meta);
    if (!glb_flow_is_same(meta, flow->meta))
        return;
    __u64 sent = meta;
    if ((__s32)(steer->now - (__u32)meta) > 0)
        sent = glb_meta_with_seen(meta, steer->now);
    if ((group_flags & GLB_GROUP_PASSIVE) && !(meta & GLB_META_OUTSTANDING) &&
        glb_flow_is_established(glb_meta_code(meta)) && glb_meta_target(meta) == flow->target &&
        glb_seen_test(steer->key.endpoint, flow->target))
        sent |= GLB_META_OUTSTANDING;
    if (sent == meta || glb_flow_update(hot, meta, sent) != meta)
        return;
    if (count && ((sent ^ meta) & GLB_META_OUTSTANDING))
        count->unanswered++;
}

/*
 * A returned packet replaced `meta`, which clears `outstanding`. On an entry of which no packet has returned
 * before, the bit means that the flow is counted as attempted, so each of those flows is counted as confirmed
 * exactly once. (Two CPUs that insert one flow concurrently both count it as attempted.)
 */
static __always_inline void glb_flow_clear_outstanding(__u64 meta, struct glb_target_count *count) {
    if (!count || !(meta & GLB_META_OUTSTANDING))
        return;
    if (glb_meta_code(meta) == GLB_FLOW_NEW)
        count->confirmed++;
    else
        count->answered++;
}

#endif
