/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Flows of the table before: while another version's, shape's or size's table is left, the controller copies
 * its flows, and a packet whose flow is not copied yet takes it over itself. A program that knows of no older
 * table has none of this: its verifier sees a constant (docs/design/0006).
 */
#ifndef GLB_STEER_MIGRATE_H
#define GLB_STEER_MIGRATE_H

#include "pipeline/steer_context.h"

static __always_inline int glb_is_migrating(void) {
    return glb_prev_shape.bucket_mask != 0;
}

/* What the older table says of this tag: its meta, else 0. Global: the verifier sees it once. */
__noinline __u64 glb_flow_lookup_previous(__u64 tag) {
    if (!glb_is_migrating())
        return 0;
    for (__u32 i = 0; i < GLB_FLOW_MOST_BUCKETS && i < glb_prev_shape.buckets; i++) {
        const __u32 bucket = glb_flow_bucket(tag, glb_prev_shape.bucket_mask, i);
        for (__u32 way = 0; way < GLB_FLOW_MOST_WAYS && way < glb_prev_shape.ways; way++) {
            const __u32 slot = bucket * glb_prev_shape.ways + way;
            struct glb_flow_hot *hot = bpf_map_lookup_elem(&glb_flows_prev, &slot);
            const __u64 meta = hot ? glb_flow_read_line(hot, tag) : 0;
            if (meta)
                return meta;
        }
    }
    return 0;
}

/*
 * For a flow that this table does not have: its slot, taken over from the older table with state, target and
 * time, or GLB_FLOW_NONE. What begins while both tables are in use is steered as packets in mid-flow are,
 * since the program on another interface may still be one that sees the flow's answer as just that.
 */
static __always_inline int glb_flow_migrate(struct glb_flow_insert_args *wish) {
    const __u64 before = glb_flow_lookup_previous(wish->tag);
    if (!before)
        return GLB_FLOW_NONE;
    wish->carried = before;
    wish->start = wish->now;
    wish->target = glb_meta_target(before);
    const int slot = glb_flow_claim(wish, glb_settings.bucket_mask);
    wish->carried = 0;
    if (slot >= 0)
        glb_count(GLB_COUNT_FLOW_MIGRATED, 0);
    return slot;
}

#endif
