/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Choosing a target without an entry: Maglev (Eisenbud et al., NSDI 2016). The table holds ids and weights
 * alone; who takes new flows is a word beside it, so a target that is down costs its flows another pick, and
 * spreads them over all that live.
 */
#ifndef GLB_STEER_MAGLEV_H
#define GLB_STEER_MAGLEV_H

#include "maps.h"
#include "telemetry/telemetry.h"

#define GLB_PICKS 4

static __always_inline __u64 glb_target_state_of(__u32 target) {
    const __u64 *word = bpf_map_lookup_elem(&glb_target_state, &target);
    return word ? GLB_READ(*word) : 0;
}

/* The slot's target, GLB_NO_TARGET where the table or the slot is empty. */
static __always_inline __u32 glb_maglev_at(__u32 table, __u64 hash) {
    void *slots = bpf_map_lookup_elem(&glb_maglev, &table);
    if (!slots)
        return GLB_NO_TARGET;
    const __u32 slot = glb_maglev_slot(hash);
    const __u32 word = slot / 4;
    const __u16 *four = bpf_map_lookup_elem(slots, &word);
    return four ? four[slot & 3] : GLB_NO_TARGET;
}

/*
 * Whether the target takes new flows of this steering hash. On trial it takes a fixed share of its slots'
 * flows, by bits that choose neither slot nor entropy port: the hash alone decides, so that both legs of an
 * untracked flow agree.
 */
static __always_inline int glb_target_takes(__u32 target, __u64 hash) {
    const __u64 word = glb_target_state_of(target);
    if (glb_likely(word & GLB_TARGET_ACCEPT_NEW))
        return 1;
    return (word & GLB_TARGET_HALF_OPEN) && glb_hash_is_half_open(hash);
}

/*
 * The current epoch's choice among those that take new flows; GLB_NO_TARGET where none does. Equal on every
 * node with equal tables, key and health.
 */
__noinline int glb_maglev_pick(__u64 hash, __u32 table, __u32 group) {
    __u64 pick = hash;
    for (int i = 0; i < GLB_PICKS; i++) {
        const __u32 target = glb_maglev_at(table, pick);
        if (target == GLB_NO_TARGET)
            return GLB_NO_TARGET;
        if (glb_target_takes(target, hash))
            return target;
        pick = glb_hash_finish(pick + 0x9e3779b97f4a7c15ull);
    }
    /* Many are down. The controller keeps a short list of those that are not. */
    for (int i = 0; i < GLB_PICKS; i++) {
        const __u32 row =
            (group & (GLB_MAX_GROUPS - 1)) * GLB_FALLBACK_SLOTS + (pick & (GLB_FALLBACK_SLOTS - 1));
        const __u64 *entry = bpf_map_lookup_elem(&glb_fallback, &row);
        if (!entry)
            return GLB_NO_TARGET;
        const __u32 target = (__u32)*entry;
        if (target != GLB_NO_TARGET && glb_target_takes(target, hash)) {
            glb_count(GLB_COUNT_STEERED_FALLBACK, 0);
            return target;
        }
        pick = glb_hash_finish(pick + 0x9e3779b97f4a7c15ull);
    }
    return GLB_NO_TARGET;
}

/*
 * S(tuple), the choice for a packet without an entry: of the previous epoch's table while its window is open
 * and its choice lives (a dead one may keep established flows by `hold`, and no others), else of the current
 * one. One function for new flows that find no place, mid-flow packets and returned ones, so that they agree.
 */
static __always_inline __u32 glb_steer_without_entry(__u64 hash, const struct glb_group *group,
                                                     __u32 group_index, __u32 now) {
    if (group->previous_table != GLB_NO_TABLE && (__s32)(group->previous_until - now) > 0) {
        const __u32 target = glb_maglev_at(group->previous_table, hash);
        if (target != GLB_NO_TARGET && glb_target_state_of(target) & GLB_TARGET_KEEP_EMBRYONIC) {
            glb_count(GLB_COUNT_STEERED_PREVIOUS_EPOCH, 0);
            return target;
        }
    }
    return glb_maglev_pick(hash, group->table, group_index);
}

#endif
