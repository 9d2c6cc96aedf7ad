/* SPDX-License-Identifier: GPL-2.0 */
/* Counting by reason, per CPU. */
#ifndef GLB_COUNT_COUNT_H
#define GLB_COUNT_COUNT_H

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

static __always_inline void glb_event_send(__u32 kind, __u32 ifindex, __u32 family, const __u32 words[4]) {
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

#endif
