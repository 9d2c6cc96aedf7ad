/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Per-CPU counters: by drop reason, by event, by endpoint, by target.
 *
 * The bytes of a packet are its IP length: header and payload of the endpoint's packet, in the tunnel of the inner
 * one. Neither Ethernet headers, tags and padding nor the tunnel's 68 bytes count, so that a packet has the same
 * length at every counter that it passes. If the inner packet of a returned one could not be read, it is the length
 * of what the tunnel carries, or of the outer packet; of a frame without an IP packet, what follows its Ethernet header
 * and tags.
 */
#ifndef GLB_TELEMETRY_COUNTERS_H
#define GLB_TELEMETRY_COUNTERS_H

#include "maps/telemetry.h"

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

static __always_inline void glb_count_endpoint_in(__u32 endpoint, __u32 bytes) {
    struct glb_endpoint_count *count = bpf_map_lookup_elem(&glb_endpoint_counts, &endpoint);
    if (count) {
        count->in.packets++;
        count->in.bytes += bytes;
    }
}

static __always_inline void glb_count_endpoint_forwarded(__u32 endpoint, __u32 bytes) {
    struct glb_endpoint_count *count = bpf_map_lookup_elem(&glb_endpoint_counts, &endpoint);
    if (count) {
        count->forwarded.packets++;
        count->forwarded.bytes += bytes;
    }
}

/* The target's row of this CPU. */
static __always_inline struct glb_target_count *glb_target_count_at(__u32 target) {
    const __u32 row = bpf_get_smp_processor_id() * GLB_MAX_TARGETS + (target & (GLB_MAX_TARGETS - 1));
    return bpf_map_lookup_elem(&glb_target_counts, &row);
}

#endif
