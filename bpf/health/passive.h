/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What passive health is judged by: flows that were sent to their target and have had nothing back since, and
 * new flows that never came back at all (docs/design/0009-passive-health-in-the-data-path.md). The evidence
 * is counted in the target's row of this CPU; the judgement is the controller's.
 */
#ifndef GLB_STEER_PASSIVE_H
#define GLB_STEER_PASSIVE_H

#include "pipeline/steer_context.h"
#include "telemetry/telemetry.h"

static __always_inline __u64 *glb_seen_word(__u32 endpoint, __u32 target) {
    const __u32 row =
        (endpoint & (GLB_MAX_ENDPOINTS - 1)) * GLB_SEEN_ROW_WORDS + (target & (GLB_MAX_TARGETS - 1)) / 64;
    return bpf_map_lookup_elem(&glb_endpoint_target_seen, &row);
}

static __always_inline __u64 *glb_seen_any_word(__u32 endpoint) {
    const __u32 row = GLB_SEEN_ANY + (endpoint & (GLB_MAX_ENDPOINTS - 1));
    return bpf_map_lookup_elem(&glb_endpoint_target_seen, &row);
}

/* Whether the endpoint ever came back through the target; or through any. */
static __always_inline int glb_seen_test(__u32 endpoint, __u32 target) {
    const __u64 *word = glb_seen_word(endpoint, target);
    return word && GLB_READ(*word) >> (target & 63) & 1;
}
static __always_inline int glb_seen_test_any(__u32 endpoint) {
    const __u64 *word = glb_seen_any_word(endpoint);
    return word && GLB_READ(*word);
}

/* Of every returned packet, not only of those that change their flow: a look at a word that is most likely
 * there. */
static __always_inline void glb_seen_set(__u32 endpoint, __u32 target) {
    __u64 *word = glb_seen_word(endpoint, target);
    if (!word || glb_likely(GLB_READ(*word) >> (target & 63) & 1))
        return;
    __sync_fetch_and_or(word, 1ull << (target & 63));
    __u64 *any = glb_seen_any_word(endpoint);
    if (any && !GLB_READ(*any))
        __sync_fetch_and_or(any, 1);
}

/*
 * A packet of a tracked flow has left for its target: last seen moves on where its tick has changed, and of
 * an established flow `outstanding` is set, in one compare-and-swap. A lost race means that another packet of
 * the flow did the one, and that a returned one may have undone the other: the next packet sets it then.
 */
static __always_inline void glb_flow_mark_outstanding(const struct glb_steer_ctx *steering, __u32 group_flags,
                                                      struct glb_target_count *count) {
    if (steering->slot < 0)
        return;
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)steering->slot);
    if (!hot)
        return;
    const __u64 meta = GLB_READ(hot->meta);
    if ((meta & GLB_META_BUSY) || glb_meta_generation(meta) != (steering->cookie & 0xff))
        return;
    __u64 sent = meta;
    if ((__s32)(steering->wish.now - (__u32)meta) > 0)
        sent = glb_meta_with_seen(meta, steering->wish.now);
    if ((group_flags & GLB_GROUP_PASSIVE) && !(meta & GLB_META_OUTSTANDING) &&
        glb_flow_is_established(glb_meta_code(meta)) && glb_meta_target(meta) == steering->target &&
        glb_seen_test(steering->wish.endpoint, steering->target))
        sent |= GLB_META_OUTSTANDING;
    if (sent == meta || __sync_val_compare_and_swap(&hot->meta, meta, sent) != meta)
        return;
    if (count && ((sent ^ meta) & GLB_META_OUTSTANDING))
        count->silent++;
}

/*
 * A packet of a flow that was `meta` came back, and cleared the bit. On an entry that no packet has come back
 * for yet, the bit says that the flow was counted in `tried`: so `confirmed` counts each of those once, and
 * no others. What is left of error: of two CPUs that enter one flow at once both count it in `tried`.
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
