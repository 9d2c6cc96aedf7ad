/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Migration from the previous flow table, of another version, shape or size. While it exists, the controller
 * copies its flows, and a packet whose flow is not copied yet migrates that flow itself. In a program without
 * a previous table the verifier removes this code (docs/design/0006).
 */
#ifndef GLB_FLOW_MIGRATE_H
#define GLB_FLOW_MIGRATE_H

#include "flow/table_maps.h"

#include "flow/flow_table.h"

static __always_inline int glb_is_migrating(void) {
    return glb_prev_shape.bucket_mask != 0;
}

/* The meta of the tag's entry in the previous table, 0 if there is none. Global, so that it is verified once.
 */
__noinline __u64 glb_flow_lookup_previous(__u64 tag) {
    if (!glb_is_migrating())
        return 0;
    for (__u32 i = 0; i < GLB_FLOW_MAX_BUCKETS && i < glb_prev_shape.buckets; i++) {
        const __u32 bucket = glb_flow_bucket(tag, glb_prev_shape.bucket_mask, i);
        for (__u32 way = 0; way < GLB_FLOW_MAX_WAYS && way < glb_prev_shape.ways; way++) {
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
 * Inserts a flow that this table lacks with its state, target and last seen from the previous table: its
 * slot, or GLB_FLOW_NONE. While both tables are in use, new flows are steered like packets midstream, since
 * the program on another interface may still be the previous one and would treat the flow's answer as such.
 */
static __always_inline int glb_flow_migrate(const struct glb_flow_key *key, __u32 bank, __u32 now) {
    const __u64 previous = glb_flow_lookup_previous(key->tag);
    if (!previous)
        return GLB_FLOW_NONE;
    struct glb_flow_insert_args args = {.migrated_meta = previous,
                                        .migrated_start = now,
                                        .bank = bank,
                                        .now = now,
                                        .target = glb_meta_target(previous)};
    const int slot = glb_flow_insert(key, &args, glb_settings.bucket_mask);
    if (slot >= 0)
        glb_count(GLB_COUNT_FLOW_MIGRATED, 0);
    return slot;
}

#endif
