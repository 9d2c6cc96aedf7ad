/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The flow table: two buckets of eight ways in a plain array, shared by all CPUs without a lock. Interface:
 *
 *   glb_flow_lookup()   the slot of a tag
 *   glb_flow_read()     the entry's meta, validated against its tag
 *   glb_flow_update()   replaces an entry's meta (state, target, last seen) if it is unchanged
 *   glb_flow_insert()   a new entry, in place of a free or replaceable one
 *   glb_flow_restart()  a new flow in the entry of an earlier flow of the same tuple
 *
 * Protocol:
 *
 *   claim    cmpxchg on meta, from the exact value that was judged free or replaceable, to busy
 *   write    tag, counters, cold line; then publish meta by an atomic exchange
 *   rescan   both buckets; of two entries with one tag the lower slot stays, and both CPUs enforce that
 *   readers  read meta, skip busy entries, compare the tag, and read meta again before they use either
 *
 * It is also compiled natively, for the controller and for tests with threads: the including file supplies
 * glb_flow_hot_at(), glb_flow_cold_at(), glb_random(), glb_flow_expired(), glb_flow_on_evict(),
 * glb_flow_withdrawn() and GLB_FLOW_GLOBAL.
 */
#ifndef GLB_FLOW_FLOW_TABLE_H
#define GLB_FLOW_FLOW_TABLE_H

#include "flow/flow_entry.h"

/* The slot of a tag other than `skip`, or GLB_FLOW_NONE. */
GLB_FLOW_GLOBAL int glb_flow_lookup(__u64 tag, __u32 bucket_mask, __u32 skip) {
    for (__u32 i = 0; i < GLB_FLOW_CANDIDATES; i++) {
        const __u32 slot = glb_flow_candidate(tag, bucket_mask, i);
        if (slot != skip && glb_flow_read(slot, tag))
            return (int)slot;
    }
    return GLB_FLOW_NONE;
}

/*
 * Eviction priority of an entry: 0 if it must stay, else the highest goes first. Order: free, expired,
 * closed, new, embryonic, then one-way flows and flows of protocols other than TCP that have been idle for
 * ten seconds; within a class the longest idle. Established TCP is never evicted.
 */
GLB_FLOW_GLOBAL __u64 glb_flow_eviction_priority(__u64 meta, __u32 now, __u32 bank) {
    const __u32 code = glb_meta_code(meta);
    const __u32 idle = glb_meta_idle(meta, now);
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
    const int one_way = glb_flow_is_one_way(code);
    if (code < GLB_FLOW_ESTABLISHED && !one_way)
        return (3ull << 32) | idle;
    if (idle < GLB_REPLACE_TICKS)
        return 0;
    if (one_way)
        return (2ull << 32) | idle;
    return meta & GLB_META_TCP ? 0 : (1ull << 32) | idle;
}

/* The candidate to evict and, in *seen, the meta it was judged by; GLB_FLOW_NONE if all must stay. */
static inline int glb_flow_victim(__u64 tag, __u32 bucket_mask, __u32 now, __u32 bank, __u64 *seen) {
    __u64 best = 0;
    int victim = GLB_FLOW_NONE;
    for (__u32 i = 0; i < GLB_FLOW_CANDIDATES; i++) {
        const __u32 slot = glb_flow_candidate(tag, bucket_mask, i);
        struct glb_flow_hot *hot = glb_flow_hot_at(slot);
        if (!hot)
            break;
        const __u64 meta = GLB_READ(hot->meta);
        const __u64 priority = glb_flow_eviction_priority(meta, now, bank);
        if (priority > best) {
            best = priority;
            victim = (int)slot;
            *seen = meta;
        }
        if (priority >= 6ull << 32)
            break;
    }
    return victim;
}

static inline void glb_flow_fill_cold(__u32 slot, const struct glb_flow_key *key,
                                      const struct glb_flow_insert_args *args, __u32 generation) {
    struct glb_flow_cold *cold = glb_flow_cold_at(slot);
    if (!cold)
        return;
    for (int i = 0; i < 4; i++) {
        cold->low[i] = key->tuple.low[i];
        cold->high[i] = key->tuple.high[i];
        cold->carry[i] = 0;
    }
    cold->low_port = key->tuple.low_port;
    cold->high_port = key->tuple.high_port;
    cold->ip_proto = key->tuple.ip_proto;
    cold->family = key->tuple.family;
    cold->initiator = (__u8)key->orientation;
    cold->generation = (__u8)generation;
    cold->endpoint = key->endpoint;
    cold->start_tick = args->migrated_meta ? args->migrated_start : args->now;
}

/* Writes a claimed entry, whose meta was `before`, and publishes it. */
static inline void glb_flow_publish(struct glb_flow_hot *hot, __u32 slot, __u64 before,
                                    const struct glb_flow_key *key, struct glb_flow_insert_args *args) {
    /* Generations start at random, so that cookies of an earlier table do not match by construction. */
    const __u32 generation = before ? glb_meta_generation(before) + 1 : glb_random();
    args->meta = glb_meta_make(GLB_FLOW_NEW, key->tcp != 0, generation, args->target, args->now) |
                 (args->attempted ? GLB_META_OUTSTANDING : 0);
    if (args->migrated_meta)
        args->meta = glb_meta_with_generation(args->migrated_meta, generation);
    GLB_WRITE(hot->tag, key->tag);
    for (int i = 0; i < 4; i++) {
        GLB_WRITE(hot->count[i].packets, 0);
        GLB_WRITE(hot->count[i].bytes, 0);
    }
    GLB_WRITE(hot->egress[0], 0);
    GLB_WRITE(hot->egress[1], 0);
    glb_flow_fill_cold(slot, key, args, generation);
    GLB_PUBLISH(hot->meta, args->meta);
}

/* Frees the entry of this generation; its state and last seen may change concurrently. */
static inline void glb_flow_withdraw(struct glb_flow_hot *hot, __u64 entry) {
    for (int attempt = 0; attempt < 8; attempt++) {
        const __u64 meta = GLB_READ(hot->meta);
        if (!glb_flow_is_same(meta, entry))
            return;
        const __u64 freed = glb_meta_make(GLB_FLOW_FREE, 0, glb_meta_generation(entry), 0, 0);
        if (glb_flow_update(hot, meta, freed) == meta)
            break;
    }
    glb_flow_withdrawn();
}

/*
 * After the publish: the slot of the flow, or GLB_FLOW_NONE if both its entries are gone. Of two entries of
 * one tag the lower slot stays. The CPU that sees both acts, whichever entry is its own: the owner of the
 * higher one may have rescanned before the lower was published, and does not rescan again.
 */
static inline int glb_flow_settle(struct glb_flow_hot *hot, __u32 slot, __u64 tag,
                                  struct glb_flow_insert_args *args, __u32 bucket_mask) {
    for (int round = 0; round < 4; round++) {
        const int twin = glb_flow_lookup(tag, bucket_mask, slot);
        if (twin < 0)
            return (int)slot;
        const __u64 meta = glb_flow_read((__u32)twin, tag);
        if ((__u32)twin < slot) {
            glb_flow_withdraw(hot, args->meta);
            args->meta = meta;
            return meta ? twin : GLB_FLOW_NONE;
        }
        struct glb_flow_hot *other = glb_flow_hot_at((__u32)twin);
        if (other && meta)
            glb_flow_withdraw(other, meta);
    }
    return (int)slot;
}

/*
 * Starts a new flow in its tuple's own entry, whose meta was `seen`: the flow's slot, or GLB_FLOW_NONE if
 * another CPU changed the entry first. Rescans as an insertion does: other CPUs did not find the entry while
 * it was busy.
 */
static inline int glb_flow_restart(struct glb_flow_hot *hot, __u32 slot, __u64 seen,
                                   const struct glb_flow_key *key, struct glb_flow_insert_args *args,
                                   __u32 bucket_mask) {
    if (glb_flow_update(hot, seen, seen | GLB_META_BUSY) != seen)
        return GLB_FLOW_NONE;
    glb_flow_publish(hot, slot, seen, key, args);
    return glb_flow_settle(hot, slot, key->tag, args, bucket_mask);
}

/*
 * Inserts the flow: its slot, with args->meta set, or GLB_FLOW_NONE if no candidate may be evicted. If
 * another CPU inserts the same flow concurrently, both get the lower of the two slots.
 */
GLB_FLOW_GLOBAL int glb_flow_insert(const struct glb_flow_key *key, struct glb_flow_insert_args *args,
                                    __u32 bucket_mask) {
    if (!key || !args)
        return GLB_FLOW_NONE;
    for (int attempt = 0; attempt < 4; attempt++) {
        __u64 seen = 0;
        const int victim = glb_flow_victim(key->tag, bucket_mask, args->now, args->bank, &seen);
        if (victim < 0)
            return GLB_FLOW_NONE;
        struct glb_flow_hot *hot = glb_flow_hot_at((__u32)victim);
        if (!hot)
            return GLB_FLOW_NONE;
        if (glb_flow_update(hot, seen, seen | GLB_META_BUSY) != seen)
            continue;
        if (glb_meta_code(seen) && !glb_flow_expired(seen, args->now, args->bank))
            glb_flow_on_evict(GLB_READ(hot->tag), args->now);
        glb_flow_publish(hot, (__u32)victim, seen, key, args);
        const int slot = glb_flow_settle(hot, (__u32)victim, key->tag, args, bucket_mask);
        if (slot >= 0)
            return slot;
    }
    return GLB_FLOW_NONE;
}

#endif
