/* SPDX-License-Identifier: GPL-2.0 */
/* The egress cached in a flow's entry, one u64 per orientation (abi/flow.h). */
#ifndef GLB_FORWARD_EGRESS_CACHE_H
#define GLB_FORWARD_EGRESS_CACHE_H

#include "maps/egress.h"
#include "pipeline/context.h"

#define GLB_EGRESS_FRESH_TICKS 14 /* 0.94 s */

static __always_inline __u64 glb_egress_encode(__u32 next_hop, __u32 route_key, __u32 now, __u32 generation) {
    return (next_hop & 0xffff) | ((__u64)(route_key & 0xffff) << 16) | ((__u64)(now & 0xffffff) << 32) |
           ((__u64)(generation & 0xff) << 56);
}

/* The cached next hop, NULL unless it was stored by this flow, for a packet with this DSCP and flow label, under the
 * current routes, within the last second. */
static __always_inline const struct glb_next_hop *glb_egress_cached(const struct glb_forward_ctx *forward) {
    if (forward->cache_slot < 0)
        return 0;
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)forward->cache_slot);
    if (!hot)
        return 0;
    const __u64 egress = GLB_READ(hot->egress[forward->orientation & 1]);
    if (!egress || (__u32)(egress >> 56) != forward->generation ||
        ((__u32)(egress >> 16) & 0xffff) != (forward->route_key & 0xffff) ||
        ((forward->now - (__u32)(egress >> 32)) & 0xffffff) > GLB_EGRESS_FRESH_TICKS)
        return 0;
    const __u32 index = (__u32)egress & 0xffff;
    const struct glb_next_hop *hop = bpf_map_lookup_elem(&glb_next_hops, &index);
    return hop && hop->egress.ifindex ? hop : 0;
}

static __always_inline void glb_egress_store(const struct glb_forward_ctx *forward, __u32 next_hop) {
    if (forward->cache_slot < 0)
        return;
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)forward->cache_slot);
    if (hot)
        GLB_WRITE(hot->egress[forward->orientation & 1],
                  glb_egress_encode(next_hop, forward->route_key, forward->now, forward->generation));
}

#endif
