/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Entries of the flow table: their keys, where they can be, reading and updating one. See flow/flow_table.h.
 */
#ifndef GLB_FLOW_FLOW_ENTRY_H
#define GLB_FLOW_FLOW_ENTRY_H

#include "flow/flow_state.h"
#include "lib/hash.h"

#define GLB_FLOW_NONE (-1)
#define GLB_FLOW_UNTRACKED_COOKIE (1u << 31)

/* The flow of a packet. */
struct glb_flow_key {
    __u64 tag;
    __u32 endpoint;
    __u32 orientation; /* of the packet: 0 if its source is tuple.low */
    __u32 tcp;
    struct glb_tuple tuple;
};

/*
 * What a new entry holds beside its key. Small: it is on the stack of the deepest call chain, which Linux 6.1 limits
 * to 512 bytes with each frame rounded up to 32.
 */
struct glb_flow_insert_args {
    __u64 meta;          /* out: of the entry that the flow has now */
    __u64 migrated_meta; /* from the previous table; 0: the flow is not migrated */
    __u32 migrated_start;
    __u32 now;
    __u32 target;
    __u16 bank;
    __u16 attempted; /* counted in glb_target_count.attempted */
};

#define GLB_FLOW_CANDIDATES (GLB_FLOW_BUCKETS * GLB_FLOW_WAYS)

/* The candidate slots of a tag, in search order: by bucket, within a bucket from the home way on. */
static inline __u32 glb_flow_candidate(__u64 tag, __u32 bucket_mask, __u32 i) {
    const __u32 way = ((__u32)(tag >> 61) + i) & (GLB_FLOW_WAYS - 1);
    return glb_flow_bucket(tag, bucket_mask, i / GLB_FLOW_WAYS) * GLB_FLOW_WAYS + way;
}

/* The cookie of an entry: its slot, and the generation that makes earlier cookies of the slot invalid. */
static inline __u32 glb_flow_cookie(__u32 slot, __u64 meta) {
    return (slot << 8) | glb_meta_generation(meta);
}

/*
 * The cookie of packets without an entry: of a TCP or UDP flow, or of all other such packets of an endpoint.
 * (For those, appliances return the newest cookie between two hosts, or of one router.) Only those who have
 * seen the tunnel know it. It names no slot of a table of less than 8 Mi entries.
 */
static inline __u32 glb_flow_untracked_cookie(const struct glb_flow_key *flow, int has_ports,
                                              const volatile struct glb_nh_key *key) {
    const __u64 of = has_ports ? flow->tag : flow->endpoint;
    return GLB_FLOW_UNTRACKED_COOKIE |
           (__u32)glb_hash_finish(glb_nh_pair((__u32)of, (__u32)(of >> 32), key->word[10], key->word[11]));
}

/* Whether an entry of which `before` was read is still that flow's: neither freed nor taken by another. */
static inline int glb_flow_is_same(__u64 meta, __u64 before) {
    return !(meta & GLB_META_BUSY) && glb_meta_code(meta) &&
           glb_meta_generation(meta) == glb_meta_generation(before);
}

/* The line's meta if it is published and has this tag, else 0. */
static inline __u64 glb_flow_read_line(struct glb_flow_hot *hot, __u64 tag) {
    const __u64 meta = GLB_READ(hot->meta);
    if ((meta & GLB_META_BUSY) || !glb_meta_code(meta) || GLB_READ(hot->tag) != tag)
        return 0;
    /* State, target and last seen may change between the reads; another generation is another flow. */
    const __u64 again = GLB_READ(hot->meta);
    return glb_flow_is_same(again, meta) ? again : 0;
}

/* The same for the entry at `slot`. */
static inline __u64 glb_flow_read(__u32 slot, __u64 tag) {
    struct glb_flow_hot *hot = glb_flow_hot_at(slot);
    return hot ? glb_flow_read_line(hot, tag) : 0;
}

/* Replaces `seen` by `next` in one compare-and-swap. Returns the meta found: `seen` on success. */
static inline __u64 glb_flow_update(struct glb_flow_hot *hot, __u64 seen, __u64 next) {
    return __sync_val_compare_and_swap(&hot->meta, seen, next);
}

#endif
