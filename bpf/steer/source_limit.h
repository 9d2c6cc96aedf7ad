/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rate limit of new flows per endpoint and source address (IPv6: its /64): a token bucket with a depth of one
 * second. A bucket is one u64: a tag of the source (24 bits) and the time at which the bucket will be full
 * (40 bits, in units of 2^-6 us). A flow advances that time by the cost of one token, and is refused if the
 * time would be more than a second ahead. (The virtual scheduling form of ATM's generic cell rate algorithm,
 * ITU-T I.371, annex A.)
 *
 * Every entry that the outbound leg creates takes a token of the packet's source, whatever its flags:
 *   - A flow that begins is refused without a token.
 *   - A flow that is picked up midstream stays untracked without a token, so that the flows of a busy server
 *     survive the loss of the table. It gets a token only while the bucket is at least half full: new flows
 *     have the whole rate if they need it.
 *   - A SYN-ACK under a limit takes no token and gets no entry: the token is that of the initiator, whose
 *     next segment makes the entry.
 *   - Fragments and ICMP errors get no entries. A flow that moves from the previous table is not new.
 *
 * Accuracy:
 *   - The mean rate is exact to 3 % at a million flows per second, and better at lower rates (costs are whole
 *     units). Time advances in ticks of 67 ms, so at any moment a bucket may lack that much.
 *   - A set replaces the bucket that has been full longest. The bucket of a limited source is never full, so
 *     only as many busy sources as the set has ways can evict it. An evicted bucket restarts full, so the
 *     limit may be exceeded.
 *   - Sources with equal set and tag (one pair in 2^40) share a bucket.
 *   - A source that returns after a multiple of 19.5 hours, to the second, finds its old bucket.
 *   - After four lost races for a bucket the flow is admitted.
 */
#ifndef GLB_STEER_SOURCE_LIMIT_H
#define GLB_STEER_SOURCE_LIMIT_H

#include "flow/table_maps.h"

#include "flow/flow_entry.h"

#define GLB_SOURCE_TIME_BITS 40
#define GLB_SOURCE_TIME_MASK ((1ull << GLB_SOURCE_TIME_BITS) - 1)
#define GLB_SOURCE_SECOND 15625000 /* units of 64 ns */
#define GLB_SOURCE_ATTEMPTS 4
/* The furthest that a bucket is ahead of this CPU's clock: another CPU's may be a tick ahead. */
#define GLB_SOURCE_AHEAD (GLB_SOURCE_SECOND + (1u << (GLB_TICK_SHIFT - 6)))

/* Units until the bucket is full, 0 if it is. A time further ahead than is possible is an old one that
 * wrapped. */
static inline __u32 glb_source_ahead(__u64 bucket, __u64 now) {
    const __u64 ahead = (bucket - now) & GLB_SOURCE_TIME_MASK;
    return ahead <= GLB_SOURCE_AHEAD ? (__u32)ahead : 0;
}

/* Units since the bucket was full, plus GLB_SOURCE_AHEAD; the bucket with most is replaced first. */
static inline __u64 glb_source_age(__u64 bucket, __u64 now) {
    return (now + GLB_SOURCE_AHEAD - bucket) & GLB_SOURCE_TIME_MASK;
}

/* Hash of the packet's source address and the endpoint, keyed: remote hosts cannot predict which sources share a
 * set. */
static __always_inline __u64 glb_source_hash(const struct glb_flow_key *flow) {
    const struct glb_tuple *tuple = &flow->tuple;
    const volatile struct glb_nh_key *key = &glb_settings.table_key;
    const __u32 first = flow->orientation ? tuple->high[0] : tuple->low[0];
    const __u32 second = flow->orientation ? tuple->high[1] : tuple->low[1]; /* IPv4: 0 */
    return glb_hash_finish(glb_nh_pair(first, second, key->word[10], key->word[11]) +
                           glb_nh_pair(flow->endpoint, tuple->family, key->word[8], key->word[9]));
}

/*
 * The row of the source's bucket, or of the bucket to replace. Global, so that the verifier does not follow
 * its paths through each attempt below.
 */
__noinline __u32 glb_source_bucket_find(__u32 set, __u64 tag, __u64 now) {
    __u32 place = set;
    __u64 oldest = 0;
    for (__u32 way = 0; way < GLB_SOURCE_WAYS; way++) {
        const __u32 row = set + way;
        const __u64 *bucket = bpf_map_lookup_elem(&glb_source_buckets, &row);
        if (!bucket)
            return set;
        const __u64 seen = GLB_READ(*bucket);
        if ((seen & ~GLB_SOURCE_TIME_MASK) == tag)
            return row;
        const __u64 age = glb_source_age(seen, now);
        if (age > oldest) {
            place = row;
            oldest = age;
        }
    }
    return place;
}

/*
 * Takes one of the source's tokens; 0 if it has none, or if the bucket is further from full than `most` units.
 * `rate` is in tokens per second and not 0. Global, so that it is verified once.
 */
__noinline int glb_source_bucket_take(const struct glb_flow_key *flow, __u32 now_ticks, __u32 rate,
                                      __u32 most) {
    if (!flow || !rate)
        return 1;
    const __u64 hash = glb_source_hash(flow);
    const __u64 tag = hash & ~GLB_SOURCE_TIME_MASK;
    const __u32 set = ((__u32)hash & (GLB_SOURCE_BUCKETS / GLB_SOURCE_WAYS - 1)) * GLB_SOURCE_WAYS;
    const __u64 now = ((__u64)now_ticks << (GLB_TICK_SHIFT - 6)) & GLB_SOURCE_TIME_MASK;
    const __u32 cost = (GLB_SOURCE_SECOND + rate / 2) / rate;

    for (int attempt = 0; attempt < GLB_SOURCE_ATTEMPTS; attempt++) {
        const __u32 row = glb_source_bucket_find(set, tag, now);
        __u64 *bucket = bpf_map_lookup_elem(&glb_source_buckets, &row);
        if (!bucket)
            return 1;
        const __u64 seen = GLB_READ(*bucket);
        const __u32 ahead = (seen & ~GLB_SOURCE_TIME_MASK) == tag ? glb_source_ahead(seen, now) : 0;
        if (ahead > most || ahead + cost > GLB_SOURCE_SECOND)
            return 0;
        const __u64 taken = tag | ((now + ahead + cost) & GLB_SOURCE_TIME_MASK);
        if (__sync_val_compare_and_swap(bucket, seen, taken) == seen)
            return 1;
    }
    return 1;
}

/* What a packet without an entry is to its flow. */
enum glb_first_packet {
    GLB_FIRST_BEGINS,    /* it starts the flow */
    GLB_FIRST_MIDSTREAM, /* the flow has begun elsewhere or before */
    GLB_FIRST_SYNACK,    /* the answer to a packet that started it */
};

/* Whether the endpoint's limit admits an entry for the flow of this packet. */
static __always_inline int glb_source_limit_allow(const struct glb_flow_key *flow, __u32 bank, __u32 now,
                                                  enum glb_first_packet packet) {
    const struct glb_endpoint *endpoint = glb_endpoint_row(bank & 1, flow->endpoint);
    if (!endpoint || glb_likely(!endpoint->new_flows_per_second))
        return 1;
    if (packet == GLB_FIRST_SYNACK)
        return 0;
    return glb_source_bucket_take(flow, now, endpoint->new_flows_per_second,
                                  packet == GLB_FIRST_BEGINS ? GLB_SOURCE_SECOND : GLB_SOURCE_SECOND / 2);
}

#endif
