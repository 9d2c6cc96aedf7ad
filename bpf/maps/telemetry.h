/* SPDX-License-Identifier: GPL-2.0 */
/* Counters and events: written by the data path, read by the controller. */
#ifndef GLB_MAPS_TELEMETRY_H
#define GLB_MAPS_TELEMETRY_H

#include "abi/config.h"
#include "abi/reasons.h"
#include "maps/declare.h"

GLB_PERCPU(glb_drops, struct glb_count, GLB_DROP_MAX);
GLB_PERCPU(glb_counters, struct glb_count, GLB_COUNT_MAX);
GLB_PERCPU(glb_endpoint_counts, struct glb_endpoint_count, GLB_MAX_ENDPOINTS);

/* One row per CPU and target (abi/counts.h), sized before load. */
GLB_MMAPABLE_ARRAY(glb_target_counts, struct glb_target_count, GLB_MAX_TARGETS);

/* Endpoints whose packets a target has returned (abi/counts.h): set by the return leg, cleared by the
 * controller. */
GLB_MMAPABLE_ARRAY(glb_endpoint_target_seen, __u64, GLB_SEEN_WORDS);

/* struct glb_event (abi/events.h). */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 18);
} glb_events SEC(".maps");

#endif
