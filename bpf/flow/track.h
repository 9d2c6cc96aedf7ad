/* SPDX-License-Identifier: GPL-2.0 */
/* What a packet changes in the entry of its flow: counters and, on the return leg, the state. */
#ifndef GLB_FLOW_TRACK_H
#define GLB_FLOW_TRACK_H

#include "flow/table_maps.h"

#include "flow/flow_table.h"
#include "parse/packet.h"

/* Counts a packet of the entry at `slot` on this leg (GLB_LEG_OUTBOUND, GLB_LEG_RETURN). */
static __always_inline void glb_flow_count(__s32 slot, __u32 leg, __u32 orientation, __u32 bytes) {
    if (slot < 0)
        return;
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)slot);
    if (!hot)
        return;
    const __u32 index = (leg * 2 + orientation) & 3;
    const __u32 before = hot->count[index].bytes;
    hot->count[index].packets++;
    hot->count[index].bytes = before + bytes;
    if (glb_unlikely(before + bytes < before)) {
        struct glb_flow_cold *cold = glb_flow_cold_at((__u32)slot);
        if (cold)
            cold->carry[index]++;
    }
}

/*
 * Advances the entry, last read as `meta`, by a returned packet: state, last seen, and no packet outstanding
 * any more. Returns the meta that it replaced, 0 if the entry stays as it is or belongs to another flow by
 * now.
 */
static __always_inline __u64 glb_flow_update_state(struct glb_flow_hot *hot, __u64 meta, __u32 now,
                                                   const struct glb_packet *packet, __u32 orientation) {
    const int tcp = !!(packet->flags & GLB_PKT_TCP);
    const int payload = !!(packet->flags & GLB_PKT_PAYLOAD);

    for (int attempt = 0; attempt < 3; attempt++) {
        const __u32 code = glb_meta_code(meta);
        const __u32 next = glb_flow_advance(code, tcp, packet->tcp_flags, payload, orientation);
        if (next == code && (__u32)meta == now && !(meta & GLB_META_OUTSTANDING))
            return 0;
        const __u64 after = glb_meta_with_seen(glb_meta_with_code(meta, next), now) & ~GLB_META_OUTSTANDING;
        const __u64 found = glb_flow_update(hot, meta, after);
        if (found == meta) {
            if (glb_flow_is_closed(code) && next < GLB_FLOW_CLOSED)
                glb_count(GLB_COUNT_FLOW_REOPENED, 0);
            return meta;
        }
        if (!glb_flow_is_same(found, meta))
            return 0;
        meta = found;
    }
    return 0;
}

/*
 * Another packet of `orientation` has returned in the flow of the entry at `slot`, of which the other
 * orientation has returned none: one-way if the entry is old enough. If another CPU changes the entry
 * meanwhile, the next packet tries again. Global, so that it is verified once.
 */
__noinline int glb_flow_update_one_way(__u64 tag, __u32 slot, __u32 now, __u32 orientation) {
    const __u64 meta = glb_flow_read(slot, tag);
    struct glb_flow_hot *hot = glb_flow_hot_at(slot);
    const struct glb_flow_cold *cold = glb_flow_cold_at(slot);
    if (!meta || !hot || !cold || cold->generation != glb_meta_generation(meta))
        return 0;
    const __u32 age = glb_meta_idle(cold->start_tick, now);
    const __u32 next = glb_flow_advance_one_way(glb_meta_code(meta), age, orientation);
    return glb_flow_update(hot, meta, glb_meta_with_code(meta, next)) == meta;
}

#endif
