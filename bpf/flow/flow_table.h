/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The flow table: two buckets of eight ways in a plain array, shared by all CPUs without a lock.
 *
 *   claim    cmpxchg on meta, from the exact value that was judged free or replaceable, to busy
 *   write    tag, counters, cold line; then publish meta by an atomic exchange
 *   rescan   both buckets; of two entries with one tag the lower slot stays, and who sees both acts
 *   readers  take meta, skip busy, compare the tag, and read meta again before they trust either
 *
 * It is also compiled natively and hammered by threads: whoever includes it supplies glb_flow_hot_at(),
 * glb_flow_cold_at(), glb_random(), glb_flow_expired(), glb_flow_on_evict() and GLB_FLOW_GLOBAL.
 */
#ifndef GLB_STEER_FLOW_TABLE_H
#define GLB_STEER_FLOW_TABLE_H

#include "flow/flow_state.h"
#include "lib/hash.h"

#define GLB_FLOW_NONE (-1)

/* What a flow that wants an entry brings along; `meta` is filled in on success. */
struct glb_flow_insert_args {
    __u64 tag;
    __u64 meta;
    __u32 bank;
    __u32 now;
    __u32 target;
    __u32 tcp;
    __u32 endpoint;
    __u32 orientation;
    __u32 tried;   /* its target's `tried` counts it */
    __u32 start;   /* tick at which a carried flow began */
    __u64 carried; /* its meta in another table; 0 but while it is taken over from there */
    struct glb_tuple tuple;
};

#define GLB_FLOW_PLACES (GLB_FLOW_BUCKETS * GLB_FLOW_WAYS)

/* The places of a tag, in the order in which they are tried: bucket, then the way from the home way on. */
static inline __u32 glb_flow_place(__u64 tag, __u32 bucket_mask, __u32 i) {
    const __u32 way = ((__u32)(tag >> 61) + i) & (GLB_FLOW_WAYS - 1);
    return glb_flow_bucket(tag, bucket_mask, i / GLB_FLOW_WAYS) * GLB_FLOW_WAYS + way;
}

/* The meta of this line where it is published and has this tag, else 0. */
static inline __u64 glb_flow_read_line(struct glb_flow_hot *hot, __u64 tag) {
    const __u64 meta = GLB_READ(hot->meta);
    if ((meta & GLB_META_BUSY) || !glb_meta_code(meta) || GLB_READ(hot->tag) != tag)
        return 0;
    /* Seen and target may move meanwhile; another generation is another flow. */
    const __u64 again = GLB_READ(hot->meta);
    if ((again & GLB_META_BUSY) || !glb_meta_code(again) ||
        glb_meta_generation(again) != glb_meta_generation(meta))
        return 0;
    return again;
}

/* The same of the entry at `slot`. */
static inline __u64 glb_flow_read(__u32 slot, __u64 tag) {
    struct glb_flow_hot *hot = glb_flow_hot_at(slot);
    return hot ? glb_flow_read_line(hot, tag) : 0;
}

/* The slot of a tag, or GLB_FLOW_NONE; `but` is passed over. */
GLB_FLOW_GLOBAL int glb_flow_search(__u64 tag, __u32 bucket_mask, __u32 but) {
    for (__u32 i = 0; i < GLB_FLOW_PLACES; i++) {
        const __u32 slot = glb_flow_place(tag, bucket_mask, i);
        if (slot != but && glb_flow_read(slot, tag))
            return (int)slot;
    }
    return GLB_FLOW_NONE;
}

/*
 * How well the entry may be replaced: 0 not at all, else higher is better. Free, expired, closed, new, half,
 * then flows of other protocols than TCP that have been silent for ten seconds; longest idle first.
 * Established TCP is never replaced.
 */
GLB_FLOW_GLOBAL __u64 glb_flow_eviction_priority(__u64 meta, __u32 now, __u32 bank) {
    const __u32 code = glb_meta_code(meta);
    const __u32 idle = now - (__u32)meta;
    if (meta & GLB_META_BUSY)
        return 0;
    if (!code)
        return 7ull << 32;
    if (glb_flow_expired(meta, now, bank))
        return 6ull << 32;
    if (code >= GLB_FLOW_CLOSED)
        return (5ull << 32) | idle;
    if (code == GLB_FLOW_NEW)
        return (4ull << 32) | idle;
    if (code < GLB_FLOW_ESTABLISHED)
        return (3ull << 32) | idle;
    if (!(meta & GLB_META_TCP) && idle >= GLB_REPLACE_TICKS)
        return (2ull << 32) | idle;
    return 0;
}

/* The best place to take, and in *seen the very meta that was judged; GLB_FLOW_NONE where all must stay. */
static inline int glb_flow_victim(__u64 tag, __u32 bucket_mask, __u32 now, __u32 bank, __u64 *seen) {
    __u64 best = 0;
    int victim = GLB_FLOW_NONE;
    for (__u32 i = 0; i < GLB_FLOW_PLACES; i++) {
        const __u32 slot = glb_flow_place(tag, bucket_mask, i);
        struct glb_flow_hot *hot = glb_flow_hot_at(slot);
        if (!hot)
            break;
        const __u64 meta = GLB_READ(hot->meta);
        const __u64 rank = glb_flow_eviction_priority(meta, now, bank);
        if (rank > best) {
            best = rank;
            victim = (int)slot;
            *seen = meta;
        }
        if (rank >= 6ull << 32)
            break;
    }
    return victim;
}

static inline void glb_flow_fill_cold(__u32 slot, const struct glb_flow_insert_args *wish, __u32 generation) {
    struct glb_flow_cold *cold = glb_flow_cold_at(slot);
    if (!cold)
        return;
    for (int i = 0; i < 4; i++) {
        cold->low[i] = wish->tuple.low[i];
        cold->high[i] = wish->tuple.high[i];
        cold->carry[i] = 0;
    }
    cold->low_port = wish->tuple.low_port;
    cold->high_port = wish->tuple.high_port;
    cold->ip_proto = wish->tuple.ip_proto;
    cold->family = wish->tuple.family;
    cold->initiator = (__u8)wish->orientation;
    cold->generation = (__u8)generation;
    cold->endpoint = wish->endpoint;
    cold->start_tick = wish->carried ? wish->start : wish->now;
}

/* Writes the line behind a claim and publishes it. */
static inline void glb_flow_publish(struct glb_flow_hot *hot, __u32 slot, __u64 before,
                                    struct glb_flow_insert_args *wish) {
    /* Generations start random, so that a cookie of an earlier table fits nothing by rule. */
    const __u32 generation = before ? glb_meta_generation(before) + 1 : glb_random();
    wish->meta = glb_meta_make(GLB_FLOW_NEW, wish->tcp != 0, generation, wish->target, wish->now) |
                 (wish->tried ? GLB_META_OUTSTANDING : 0);
    if (wish->carried)
        wish->meta = glb_meta_with_generation(wish->carried, generation);
    GLB_WRITE(hot->tag, wish->tag);
    for (int i = 0; i < 4; i++) {
        GLB_WRITE(hot->count[i].packets, 0);
        GLB_WRITE(hot->count[i].bytes, 0);
    }
    GLB_WRITE(hot->egress[0], 0);
    GLB_WRITE(hot->egress[1], 0);
    glb_flow_fill_cold(slot, wish, generation);
    GLB_PUBLISH(hot->meta, wish->meta);
}

/* Frees the entry of this generation; others may move its state or time meanwhile. */
static inline void glb_flow_withdraw(struct glb_flow_hot *hot, __u64 entry) {
    for (int attempt = 0; attempt < 8; attempt++) {
        const __u64 meta = GLB_READ(hot->meta);
        if ((meta & GLB_META_BUSY) || glb_meta_generation(meta) != glb_meta_generation(entry))
            return;
        const __u64 freed = glb_meta_make(GLB_FLOW_FREE, 0, glb_meta_generation(entry), 0, 0);
        if (__sync_val_compare_and_swap(&hot->meta, meta, freed) == meta)
            break;
    }
    glb_flow_withdrawn();
}

/*
 * Behind the publish: the slot that the flow lives in, or GLB_FLOW_NONE where ours is gone and the other went
 * too. Of two entries of one tag the lower slot stays. Who sees the other acts, whichever side it is on: the
 * owner of the higher one may have rescanned before the lower was published, and will not look again.
 */
static inline int glb_flow_settle(struct glb_flow_hot *hot, __u32 slot, struct glb_flow_insert_args *wish,
                                  __u32 bucket_mask) {
    for (int round = 0; round < 4; round++) {
        const int twin = glb_flow_search(wish->tag, bucket_mask, slot);
        if (twin < 0)
            return (int)slot;
        const __u64 meta = glb_flow_read((__u32)twin, wish->tag);
        if ((__u32)twin < slot) {
            glb_flow_withdraw(hot, wish->meta);
            wish->meta = meta;
            return meta ? twin : GLB_FLOW_NONE;
        }
        struct glb_flow_hot *other = glb_flow_hot_at((__u32)twin);
        if (other && meta)
            glb_flow_withdraw(other, meta);
    }
    return (int)slot;
}

/*
 * Begins the flow anew in its own entry, in the place of what was judged over: its slot, or GLB_FLOW_NONE
 * where another CPU was faster. Rescans as a claim does: while the entry was busy, others did not find it.
 */
static inline int glb_flow_renew(struct glb_flow_hot *hot, __u32 slot, __u64 seen,
                                 struct glb_flow_insert_args *wish, __u32 bucket_mask) {
    if (__sync_val_compare_and_swap(&hot->meta, seen, seen | GLB_META_BUSY) != seen)
        return GLB_FLOW_NONE;
    glb_flow_publish(hot, slot, seen, wish);
    return glb_flow_settle(hot, slot, wish, bucket_mask);
}

/*
 * Gives the flow an entry: its slot, or GLB_FLOW_NONE where nothing may be replaced. Where another CPU
 * entered the same flow at the same time, both get the lower of the two slots.
 */
GLB_FLOW_GLOBAL int glb_flow_claim(struct glb_flow_insert_args *wish, __u32 bucket_mask) {
    if (!wish)
        return GLB_FLOW_NONE;
    for (int attempt = 0; attempt < 4; attempt++) {
        __u64 seen = 0;
        const int victim = glb_flow_victim(wish->tag, bucket_mask, wish->now, wish->bank, &seen);
        if (victim < 0)
            return GLB_FLOW_NONE;
        struct glb_flow_hot *hot = glb_flow_hot_at((__u32)victim);
        if (!hot)
            return GLB_FLOW_NONE;
        if (__sync_val_compare_and_swap(&hot->meta, seen, seen | GLB_META_BUSY) != seen)
            continue;
        if (glb_meta_code(seen) && !glb_flow_expired(seen, wish->now, wish->bank))
            glb_flow_on_evict(GLB_READ(hot->tag), wish->now);
        glb_flow_publish(hot, (__u32)victim, seen, wish);
        const int twin = glb_flow_settle(hot, (__u32)victim, wish, bucket_mask);
        if (twin >= 0)
            return twin;
    }
    return GLB_FLOW_NONE;
}

#endif
