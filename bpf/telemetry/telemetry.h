/* SPDX-License-Identifier: GPL-2.0 */
/* Counting by reason, per CPU. */
#ifndef GLB_COUNT_COUNT_H
#define GLB_COUNT_COUNT_H

#include "abi/events.h"
#include "lib/hash.h"
#include "maps.h"

static __always_inline void glb_count_add(void *map, __u32 row, __u32 bytes) {
    struct glb_count *count = bpf_map_lookup_elem(map, &row);
    if (count) {
        count->packets++;
        count->bytes += bytes;
    }
}

static __always_inline void glb_count(enum glb_counter counter, __u32 bytes) {
    glb_count_add(&glb_counters, counter, bytes);
}

static __always_inline void glb_count_drop(enum glb_drop reason, __u32 bytes) {
    glb_count_add(&glb_drops, reason, bytes);
}

/* The target's row of this CPU. */
static __always_inline struct glb_target_count *glb_target_count_at(__u32 target) {
    const __u32 row = bpf_get_smp_processor_id() * GLB_MAX_TARGETS + (target & (GLB_MAX_TARGETS - 1));
    return bpf_map_lookup_elem(&glb_target_counts, &row);
}

/*
 * Anybody can provoke events, a target as many answers to in-band probes as it likes, and each costs the
 * controller work. So of one matter it hears once a tick (2^26 ns), of all together GLB_EVENTS_PER_TICK
 * times, and of each target's answers the same. In no map: a new program begins with none said. CPUs may lose
 * each other's writes, and so say a little more.
 */
#define GLB_EVENT_ROWS 256
#define GLB_EVENTS_PER_TICK 64
static __u64 glb_event_said[GLB_EVENT_ROWS];      /* matter, tick */
static __u64 glb_event_taken[1 + GLB_EVENT_ROWS]; /* tick, number: of all, then of each sender's answers */

static __always_inline int glb_event_rate_limit(__u64 *taken, __u64 now) {
    const __u64 word = GLB_READ(*taken);
    const __u64 number = word >> 32 == now ? (__u32)word : 0;
    if (number >= GLB_EVENTS_PER_TICK) {
        glb_count(GLB_COUNT_EVENT_LOST, 0);
        return 0;
    }
    GLB_WRITE(*taken, now << 32 | (number + 1));
    return 1;
}

static __always_inline void glb_event_submit(__u32 kind, __u32 ifindex, __u32 family, const __u32 words[4]) {
    struct glb_event *event = bpf_ringbuf_reserve(&glb_events, sizeof *event, 0);
    if (!event) {
        glb_count(GLB_COUNT_EVENT_LOST, 0);
        return;
    }
    event->kind = kind;
    event->ifindex = ifindex;
    event->family = family;
    event->endpoint = 0;
#pragma unroll
    for (int i = 0; i < 4; i++)
        event->address[i] = words[i];
    bpf_ringbuf_submit(event, 0);
}

/* Something that the controller is to look after. */
static __always_inline void glb_event_report(__u32 kind, __u32 ifindex, __u32 family, const __u32 words[4]) {
    const __u64 now = glb_now_ticks();
    const __u64 matter = glb_hash_finish(((__u64)(words[0] ^ words[2]) << 32 | (words[1] ^ words[3])) +
                                         ((__u64)kind << 32 | ifindex) * 0x9e3779b97f4a7c15ull);
    const __u64 said = (matter & 0xffffffff00000000ull) | now;
    __u64 *last = &glb_event_said[matter & (GLB_EVENT_ROWS - 1)];
    if (GLB_READ(*last) == said || !glb_event_rate_limit(&glb_event_taken[0], now))
        return;
    GLB_WRITE(*last, said);
    glb_event_submit(kind, ifindex, family, words);
}

/* An answer that the controller waits for; words[0] is the sender's address. */
static __always_inline void glb_event_probe_reply(__u32 kind, __u32 ifindex, const __u32 words[4]) {
    const __u32 row = 1 + ((__u32)glb_hash_finish(words[0]) & (GLB_EVENT_ROWS - 1));
    if (glb_event_rate_limit(&glb_event_taken[row], glb_now_ticks()))
        glb_event_submit(kind, ifindex, 4, words);
}

#endif
