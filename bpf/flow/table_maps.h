/* SPDX-License-Identifier: GPL-2.0 */
/* The flow table on BPF maps: what flow/flow_table.h requires, and the timestamps of untracked flows. */
#ifndef GLB_FLOW_TABLE_MAPS_H
#define GLB_FLOW_TABLE_MAPS_H

#include "flow/flow_state.h"
#include "maps/config.h"
#include "maps/flow.h"
#include "telemetry/counters.h"

static __always_inline struct glb_flow_hot *glb_flow_hot_at(__u32 slot) {
    return bpf_map_lookup_elem(&glb_flows_hot, &slot);
}

static __always_inline struct glb_flow_cold *glb_flow_cold_at(__u32 slot) {
    return bpf_map_lookup_elem(&glb_flows_cold, &slot);
}

static __always_inline __u32 glb_random(void) {
    return bpf_get_prandom_u32();
}

static __always_inline void glb_flow_withdrawn(void) {
    glb_count(GLB_COUNT_FLOW_DUPLICATE_REMOVED, 0);
}

/* Whether the entry's idle timeout has passed. The timeout is that of its target's group. */
static __always_inline int glb_flow_expired(__u64 meta, __u32 now, __u32 bank) {
    const __u32 code = glb_meta_code(meta);
    const __u32 idle = glb_meta_idle(meta, now);
    const int tcp = !!(meta & GLB_META_TCP);

    /* Less than the shortest timeout needs no look-up. */
    if (idle < GLB_CLOSED_TICKS)
        return 0;
    __u32 tcp_ticks = 350 * GLB_TICKS_PER_SECOND;
    __u32 other_ticks = 120 * GLB_TICKS_PER_SECOND;
    const struct glb_target *target = glb_target_row(bank, glb_meta_target(meta));
    if (target) {
        const struct glb_group *group = glb_group_row(bank, target->group);
        if (group) {
            tcp_ticks = group->tcp_ticks;
            other_ticks = group->other_ticks;
        }
    }
    return idle >= glb_flow_timeout(code, tcp, tcp_ticks, other_ticks);
}

/* Seconds with bit 0 set, so that 0 means never: the resolution is two seconds. They wrap after 18 hours. */
static __always_inline __u16 glb_stamp_seconds(__u32 now) {
    return (__u16)(now / GLB_TICKS_PER_SECOND) | 1;
}

static __always_inline __u16 *glb_stamp_at(__u64 tag) {
    const __u32 index = (__u32)(tag >> 20) & (GLB_STAMPS - 1);
    const __u32 word = index / 4;
    __u16 *stamps = bpf_map_lookup_elem(&glb_stamps, &word);
    return stamps ? stamps + (index & 3) : 0;
}

static __always_inline void glb_stamp_set(__u64 tag, __u32 now) {
    __u16 *stamp = glb_stamp_at(tag);
    if (stamp)
        GLB_WRITE(*stamp, glb_stamp_seconds(now));
}

static __always_inline int glb_stamp_is_fresh(__u64 tag, __u32 now) {
    const __u16 *stamp = glb_stamp_at(tag);
    if (!stamp)
        return 0;
    const __u16 at = GLB_READ(*stamp);
    /* Another CPU, whose clock is a tick ahead, may have written the next stamp, two seconds later. */
    return at && (__u16)(glb_stamp_seconds(now) + 2 - at) < GLB_STAMP_FRESH_SECONDS + 2;
}

/* A live entry is evicted. Its packets that are at the appliance now must still be accepted on their return.
 */
static __always_inline void glb_flow_on_evict(__u64 tag, __u32 now) {
    glb_stamp_set(tag, now);
    glb_count(GLB_COUNT_FLOW_REPLACED, 0);
}

#define GLB_FLOW_GLOBAL __noinline

#endif
