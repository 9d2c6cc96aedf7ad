/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The flow table's entries. Hot and cold array have one 64-byte line an entry, at the same index.
 * The rules that go with them (claim, publish, rescan, readers) are in flow/flow_table.h.
 *
 * What every schema keeps, so that each version can take the flows over from each (docs/design/0006):
 *   glb_flows_hot        64 bytes a line; tag, meta and count as below; codes are only ever added
 *   glb_flows_cold   64 bytes a line; the first 48 as below, up to start_tick
 *   glb_metadata         its first 112 bytes: schema, seed, table key, shape
 *   glb_index_names        its rows
 *   glb_control, glb_groups, glb_targets, the words, prints and counts: rows that only ever grow at their end
 *   glb_stamps       as it is, tag bits and seconds included
 *   the tag          lib/hash.h, and which bits of it choose a bucket (below)
 * All else may change with GLB_SCHEMA: egress words, the cold line's rest, ways, buckets, every other map.
 */
#ifndef GLB_ABI_FLOW_H
#define GLB_ABI_FLOW_H

#include <linux/types.h>

#include "abi/check.h"
#include "abi/limits.h"

/*
 * meta, one word that changes by compare-and-swap only:
 *   63     busy: a CPU is writing the line
 *   62     outstanding: sent to its target, nothing back since (passive health); of a new flow: counted in
 * `tried` 61     tcp 56-60  code (below) 48-55  generation: the low 8 bits of the cookie 32-47  target index
 *   0-31   last seen, in ticks (GLB_TICK_SHIFT)
 */
#define GLB_META_BUSY (1ull << 63)
#define GLB_META_OUTSTANDING (1ull << 62)
#define GLB_META_TCP (1ull << 61)
#define GLB_META_CODE_SHIFT 56
#define GLB_META_GENERATION_SHIFT 48
#define GLB_META_TARGET_SHIFT 32

/*
 * Codes: the state, and of a half flow how far it came. An orientation is 0 where the packet's source is the
 * lower end of the canonical tuple, else 1.
 */
enum glb_flow_code {
    GLB_FLOW_FREE = 0,
    GLB_FLOW_NEW = 1,
    GLB_FLOW_EMBRYONIC = 2,   /* a bare TCP SYN came back */
    GLB_FLOW_EMBRYONIC_0 = 3, /* TCP: ACK of orientation 0 came back; others: one packet of orientation 0 */
    GLB_FLOW_EMBRYONIC_1 = 4,
    GLB_FLOW_EMBRYONIC_SYNACK_0 =
        5, /* TCP: SYN-ACK of orientation 0 came back; the initiator is orientation 1 */
    GLB_FLOW_EMBRYONIC_SYNACK_1 = 6,
    GLB_FLOW_EMBRYONIC_LONG_0 = 7, /* others: two packets of orientation 0 came back, none of 1 */
    GLB_FLOW_EMBRYONIC_LONG_1 = 8,
    GLB_FLOW_EMBRYONIC_LONG = 9, /* TCP: a segment with neither SYN nor ACK came back */
    GLB_FLOW_ESTABLISHED = 10,
    GLB_FLOW_CLOSING_0 = 11, /* the FIN of orientation 0 came back */
    GLB_FLOW_CLOSING_1 = 12,
    GLB_FLOW_CLOSED = 13,
    GLB_FLOW_RESET = 14,          /* its target is gone and its ends are told so by RST */
    GLB_FLOW_RESET_PROBED_0 = 15, /* the same; orientation 0 was asked for its sequence number first */
    GLB_FLOW_RESET_PROBED_1 = 16,
};

#define GLB_NEW_TICKS (30 * GLB_TICKS_PER_SECOND)
#define GLB_CLOSED_TICKS (10 * GLB_TICKS_PER_SECOND)

static inline __u32 glb_meta_code(__u64 meta) {
    return (__u32)(meta >> GLB_META_CODE_SHIFT) & 0x1f;
}
static inline __u32 glb_meta_target(__u64 meta) {
    return (__u32)(meta >> GLB_META_TARGET_SHIFT) & 0xffff;
}
static inline __u32 glb_meta_generation(__u64 meta) {
    return (__u32)(meta >> GLB_META_GENERATION_SHIFT) & 0xff;
}
static inline __u64 glb_meta_with_code(__u64 meta, __u32 code) {
    return (meta & ~(0x1full << GLB_META_CODE_SHIFT)) | ((__u64)code << GLB_META_CODE_SHIFT);
}
static inline __u64 glb_meta_with_target(__u64 meta, __u32 target) {
    return (meta & ~(0xffffull << GLB_META_TARGET_SHIFT)) | ((__u64)target << GLB_META_TARGET_SHIFT);
}
static inline __u64 glb_meta_with_seen(__u64 meta, __u32 tick) {
    return (meta & ~0xffffffffull) | tick;
}
static inline __u64 glb_meta_with_generation(__u64 meta, __u32 generation) {
    return (meta & ~(0xffull << GLB_META_GENERATION_SHIFT)) |
           ((__u64)(generation & 0xff) << GLB_META_GENERATION_SHIFT);
}
static inline __u64 glb_meta_make(__u32 code, int tcp, __u32 generation, __u32 target, __u32 tick) {
    return ((__u64)code << GLB_META_CODE_SHIFT) | (tcp ? GLB_META_TCP : 0) |
           ((__u64)(generation & 0xff) << GLB_META_GENERATION_SHIFT) |
           ((__u64)target << GLB_META_TARGET_SHIFT) | tick;
}

/* Idle timeout in ticks of a flow of this code. */
static inline __u32 glb_flow_timeout(__u32 code, int tcp, __u32 tcp_ticks, __u32 other_ticks) {
    if (code == GLB_FLOW_CLOSED)
        return GLB_CLOSED_TICKS;
    if (code <= GLB_FLOW_EMBRYONIC || code >= GLB_FLOW_RESET || (!tcp && code <= GLB_FLOW_EMBRYONIC_1))
        return GLB_NEW_TICKS;
    return tcp ? tcp_ticks : other_ticks;
}

/*
 * Bucket `i` of those in which a tag may be, by bits of its own. The home way is another matter: whoever
 * looks through a table of another shape looks at all ways of a bucket.
 */
static inline __u32 glb_flow_bucket(__u64 tag, __u32 bucket_mask, __u32 i) {
    const __u32 first = (__u32)tag & bucket_mask;
    const __u32 bucket = (__u32)(tag >> (21 * i)) & bucket_mask;
    return i && bucket == first ? bucket ^ i : bucket;
}
#define GLB_FLOW_MOST_BUCKETS 3
#define GLB_FLOW_MOST_WAYS 16

struct glb_flow_count {
    __u32 packets;
    __u32 bytes;
};

/* Counter index: leg * 2 + orientation. */
#define GLB_LEG_OUTBOUND 0
#define GLB_LEG_RETURN 1

/*
 * Cached egress of the return leg, one word: next hop (bits 0-15, an index of glb_next_hops), route
 * generation (16-31), tick of the look-up (32-55, low 24 bits), generation of the entry (56-63). The last one
 * makes a late write by another flow's packet void.
 */
struct glb_flow_hot {
    __u64 tag;
    __u64 meta;
    struct glb_flow_count count[4];
    __u64 egress[2];
};
GLB_ABI(struct glb_flow_hot, 64);

/* The ends of the tuple in canonical order; `initiator` is the orientation of the first packet. */
struct glb_flow_cold {
    __u32 low[4]; /* IPv4: the first word, network order */
    __u32 high[4];
    __be16 low_port; /* ICMP echo: the identifier, in both */
    __be16 high_port;
    __u8 ip_proto;
    __u8 family; /* 4 or 6 */
    __u8 initiator;
    __u8 generation; /* whose cold line this is: equal to meta's, or the line is not this flow's */
    __u32 endpoint;
    __u32 start_tick;
    __u32 carry[4]; /* how often count[i].bytes wrapped */
};
GLB_ABI(struct glb_flow_cold, 64);

#endif
