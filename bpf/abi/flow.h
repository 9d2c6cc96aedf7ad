/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The flow table's entries: a 64-byte line in the hot and one in the cold array, at the same index. The
 * protocol of concurrent updates is in flow/flow_table.h.
 *
 * Invariants of every schema, so that each version can migrate the flows of any other (docs/design/0006):
 *   glb_flows_hot     64 bytes per line; tag, meta and count as below; state codes are only appended
 *   glb_flows_cold    64 bytes per line; the first 48 as below, up to start_tick
 *   glb_metadata      its first 112 bytes: schema, seed, table key, shape
 *   glb_index_names   its rows
 *   glb_control, glb_groups, glb_targets, target state, group actions, endpoint overrides, Maglev
 *   fingerprints and counters: members are only appended to a row
 *   glb_stamps        unchanged, including the tag bits and seconds
 *   the tag           lib/hash.h, and which of its bits select a bucket (below)
 *
 * Everything else may change with GLB_SCHEMA: cached egress, the rest of the cold line, ways, buckets, other maps.
 */
#ifndef GLB_ABI_FLOW_H
#define GLB_ABI_FLOW_H

#include <linux/types.h>

#include "abi/check.h"
#include "abi/limits.h"

/*
 * meta, a u64 that changes only by compare-and-swap:
 *
 *   63     busy: a CPU is writing the line
 *   62     outstanding: sent to its target and nothing returned since (passive health); while the state is new:
 *          the flow is counted as attempted
 *   61     tcp
 *   56-60  state code (below)
 *   48-55  generation: the low 8 bits of the cookie
 *   32-47  target index
 *   0-31   last seen, in ticks (GLB_TICK_SHIFT)
 */
#define GLB_META_BUSY (1ull << 63)
#define GLB_META_OUTSTANDING (1ull << 62)
#define GLB_META_TCP (1ull << 61)
#define GLB_META_CODE_SHIFT 56
#define GLB_META_GENERATION_SHIFT 48
#define GLB_META_TARGET_SHIFT 32

/*
 * State codes. "Returned" means: received from the flow's target. The orientation of a packet is 0 if its
 * source comes first in the canonical tuple, else 1.
 */
enum glb_flow_code {
    GLB_FLOW_FREE = 0,
    GLB_FLOW_NEW = 1,
    GLB_FLOW_EMBRYONIC = 2,   /* a bare TCP SYN returned */
    GLB_FLOW_EMBRYONIC_0 = 3, /* TCP: an ACK of orientation 0 returned; others: one packet of it */
    GLB_FLOW_EMBRYONIC_1 = 4,
    GLB_FLOW_EMBRYONIC_SYNACK_0 = 5, /* TCP: a SYN-ACK of orientation 0 returned; 1 is the initiator */
    GLB_FLOW_EMBRYONIC_SYNACK_1 = 6,
    GLB_FLOW_EMBRYONIC_LONG_0 = 7, /* one-way: packets of orientation 0 returned for two seconds, none of 1 */
    GLB_FLOW_EMBRYONIC_LONG_1 = 8,
    GLB_FLOW_EMBRYONIC_LONG = 9, /* TCP: a segment with neither SYN nor ACK returned */
    GLB_FLOW_ESTABLISHED = 10,
    GLB_FLOW_CLOSING_0 = 11, /* the FIN of orientation 0 returned */
    GLB_FLOW_CLOSING_1 = 12,
    GLB_FLOW_CLOSED = 13,         /* of an established flow */
    GLB_FLOW_RESET = 14,          /* its target is gone; both ends are reset by RST */
    GLB_FLOW_RESET_PROBED_0 = 15, /* the same, after orientation 0 was probed for its sequence number */
    GLB_FLOW_RESET_PROBED_1 = 16,
    GLB_FLOW_CLOSED_EMBRYONIC = 17, /* a RST returned before the flow was established */
    GLB_FLOW_RESET_ASKED_0 = 18,    /* reset, after orientation 0 was probed by a segment of the other end */
    GLB_FLOW_RESET_ASKED_1 = 19,
    GLB_FLOW_CODES, /* their number; the field has room for 32 */
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

/* Ticks since the entry was last seen; 0 if another CPU, whose clock is a tick ahead, has seen it. */
static inline __u32 glb_meta_idle(__u64 meta, __u32 now) {
    const __s32 idle = (__s32)(now - (__u32)meta);
    return idle > 0 ? (__u32)idle : 0;
}

/* Idle timeout, in ticks, of a flow in this state. */
static inline __u32 glb_flow_timeout(__u32 code, int tcp, __u32 tcp_ticks, __u32 other_ticks) {
    if (code == GLB_FLOW_CLOSED || code == GLB_FLOW_CLOSED_EMBRYONIC)
        return GLB_CLOSED_TICKS;
    if (code <= GLB_FLOW_EMBRYONIC || code >= GLB_FLOW_RESET || (!tcp && code <= GLB_FLOW_EMBRYONIC_1))
        return GLB_NEW_TICKS;
    return tcp ? tcp_ticks : other_ticks;
}

/*
 * Candidate bucket `i` of a tag, each from bits of its own. The home way within a bucket is not part of this
 * contract: readers of a table of another shape search all ways.
 */
static inline __u32 glb_flow_bucket(__u64 tag, __u32 bucket_mask, __u32 i) {
    const __u32 first = (__u32)tag & bucket_mask;
    const __u32 bucket = (__u32)(tag >> (21 * i)) & bucket_mask;
    return i && bucket == first ? bucket ^ i : bucket;
}
#define GLB_FLOW_MAX_BUCKETS 3
#define GLB_FLOW_MAX_WAYS 16

struct glb_flow_count {
    __u32 packets;
    __u32 bytes;
};

/* Counter index: leg * 2 + orientation. */
#define GLB_LEG_OUTBOUND 0
#define GLB_LEG_RETURN 1

/*
 * egress[orientation] caches the egress of the return leg: next hop (bits 0-15, an index of glb_next_hops),
 * route generation (16-31), tick of the look-up (32-55, low 24 bits), generation of the entry (56-63). The
 * last invalidates a late write by a packet of the entry's previous flow.
 */
struct glb_flow_hot {
    __u64 tag;
    __u64 meta;
    struct glb_flow_count count[4];
    __u64 egress[2];
};
GLB_ABI(struct glb_flow_hot, 64);

/* The tuple in canonical order. `initiator` is the orientation of the first packet. */
struct glb_flow_cold {
    __u32 low[4]; /* IPv4: the first word, network order */
    __u32 high[4];
    __be16 low_port; /* ICMP echo: the identifier, in both */
    __be16 high_port;
    __u8 ip_proto;
    __u8 family; /* 4 or 6 */
    __u8 initiator;
    __u8 generation; /* equal to that of meta, else the line belongs to another flow */
    __u32 endpoint;
    __u32 start_tick;
    __u32 carry[4]; /* how often count[i].bytes has wrapped */
};
GLB_ABI(struct glb_flow_cold, 64);

#endif
