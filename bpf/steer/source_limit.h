/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Limits of new flows, per endpoint and source address (IPv6: its /64), as a token bucket that holds one
 * second's worth. A bucket is one word: tag of the source (24 bits) and the time at which it will be full
 * again (40 bits, in units of 2^-6 us): a flow moves that time on by the cost of one token, and is refused
 * where it would lie more than a second ahead. (The virtual scheduling form of ATM's generic cell rate
 * algorithm, ITU-T I.371, annex A.)
 *
 * How exact it is:
 *   - The rate holds in the mean to 3 % at a million a second, and better the lower it is (whole units). Time
 * comes in ticks of 67 ms, so at any moment a bucket may hold that much less than it should.
 *   - In a set the bucket that was full first goes. Who is limited has one that is full last: others cannot
 * take it away, but by as many busy sources as a set has places. One that is lost begins full: never too
 * strict.
 *   - Sources that share a set and a tag (one pair in 2^40) share a bucket.
 *   - A source that comes back after 19.5 hours, or a multiple of that, to the second, meets its old bucket.
 *   - After four lost races for one word a flow is let through: only at rates where the limit is not reached.
 */
#ifndef GLB_STEER_SOURCE_H
#define GLB_STEER_SOURCE_H

#include "maps.h"
#include "pipeline/steer_context.h"

#define GLB_SOURCE_TIME_BITS 40
#define GLB_SOURCE_TIME_MASK ((1ull << GLB_SOURCE_TIME_BITS) - 1)
#define GLB_SOURCE_SECOND 15625000 /* units of 64 ns */
#define GLB_SOURCE_ATTEMPTS 4

/* Units until the bucket is full; 0 where it is. What lies further ahead than a bucket can is from long ago.
 */
static inline __u32 glb_source_ahead(__u64 bucket, __u64 now) {
    const __u64 ahead = (bucket - now) & GLB_SOURCE_TIME_MASK;
    return ahead <= GLB_SOURCE_SECOND ? (__u32)ahead : 0;
}

/* Units since the bucket was full; the one with most is the best to replace. Buckets ahead of time have
 * least. */
static inline __u64 glb_source_age(__u64 bucket, __u64 now) {
    return (now + GLB_SOURCE_SECOND - bucket) & GLB_SOURCE_TIME_MASK;
}

/* The initiator's address and the endpoint, by the table's key: nobody outside can tell which sources share a
 * set. */
static __always_inline __u64 glb_source_hash(const struct glb_flow_insert_args *wish) {
    const struct glb_tuple *tuple = &wish->tuple;
    const volatile struct glb_nh_key *key = &glb_settings.table_key;
    const __u32 first = wish->orientation ? tuple->high[0] : tuple->low[0];
    const __u32 second = wish->orientation ? tuple->high[1] : tuple->low[1]; /* 0 of IPv4 */
    return glb_hash_finish(glb_nh_pair(first, second, key->word[10], key->word[11]) +
                           glb_nh_pair(wish->endpoint, tuple->family, key->word[8], key->word[9]));
}

/* The row in which the source's bucket is, or, where it has none, the one to replace. Global, so that the
 * verifier does not follow its ways through the attempts below. */
__noinline __u32 glb_source_bucket_find(__u32 set, __u64 tag, __u64 now) {
    __u32 place = set;
    __u64 oldest = 0;
    for (__u32 way = 0; way < GLB_SOURCE_WAYS; way++) {
        const __u32 row = set + way;
        const __u64 *bucket = bpf_map_lookup_elem(&glb_source_buckets, &row);
        if (!bucket)
            return set;
        const __u64 word = GLB_READ(*bucket);
        if ((word & ~GLB_SOURCE_TIME_MASK) == tag)
            return row;
        const __u64 age = glb_source_age(word, now);
        if (age > oldest) {
            place = row;
            oldest = age;
        }
    }
    return place;
}

/* Takes a token of the source for a new flow: 0 where it has none left. `rate`: tokens a second, not 0. */
__noinline int glb_source_bucket_take(const struct glb_flow_insert_args *wish, __u32 rate) {
    if (!wish || !rate)
        return 1;
    const __u64 hash = glb_source_hash(wish);
    const __u64 tag = hash & ~GLB_SOURCE_TIME_MASK;
    const __u32 set = ((__u32)hash & (GLB_SOURCE_BUCKETS / GLB_SOURCE_WAYS - 1)) * GLB_SOURCE_WAYS;
    const __u64 now = ((__u64)wish->now << (GLB_TICK_SHIFT - 6)) & GLB_SOURCE_TIME_MASK;
    const __u32 cost = (GLB_SOURCE_SECOND + rate / 2) / rate;

    for (int attempt = 0; attempt < GLB_SOURCE_ATTEMPTS; attempt++) {
        const __u32 row = glb_source_bucket_find(set, tag, now);
        __u64 *bucket = bpf_map_lookup_elem(&glb_source_buckets, &row);
        if (!bucket)
            return 1;
        const __u64 seen = GLB_READ(*bucket);
        const __u32 ahead = (seen & ~GLB_SOURCE_TIME_MASK) == tag ? glb_source_ahead(seen, now) : 0;
        if (ahead + cost > GLB_SOURCE_SECOND)
            return 0;
        const __u64 taken = tag | ((now + ahead + cost) & GLB_SOURCE_TIME_MASK);
        if (__sync_val_compare_and_swap(bucket, seen, taken) == seen)
            return 1;
    }
    return 1;
}

/* Whether the endpoint's limit lets this source begin another flow. */
static __always_inline int glb_source_limit_allow(const struct glb_flow_insert_args *wish) {
    const __u32 row = (wish->bank & 1) * GLB_MAX_ENDPOINTS + (wish->endpoint & (GLB_MAX_ENDPOINTS - 1));
    const struct glb_endpoint *endpoint = bpf_map_lookup_elem(&glb_endpoints, &row);
    return !endpoint || glb_likely(!endpoint->new_flows_per_second) ||
           glb_source_bucket_take(wish, endpoint->new_flows_per_second);
}

#endif
