/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Choosing a target without an entry: Maglev (Eisenbud et al., NSDI 2016). The tables depend on target ids
 * and weights only. Target state is kept outside them, so the flows of a failed target are spread over the
 * remaining targets by further picks, and no table changes.
 */
#ifndef GLB_STEER_MAGLEV_H
#define GLB_STEER_MAGLEV_H

#include "lib/hash.h"
#include "maps/config.h"
#include "maps/state.h"
#include "telemetry/counters.h"

#define GLB_PICKS 4

/* The target of the hash's slot, GLB_NO_TARGET if the table or the slot is empty. */
static __always_inline __u32 glb_maglev_at(__u32 table, __u64 hash) {
    void *slots = bpf_map_lookup_elem(&glb_maglev, &table);
    if (!slots)
        return GLB_NO_TARGET;
    const __u32 slot = glb_maglev_slot(hash);
    const __u32 element = slot / 4;
    const __u16 *four = bpf_map_lookup_elem(slots, &element);
    return four ? four[slot & 3] : GLB_NO_TARGET;
}

/*
 * Whether the target accepts new flows of this steering hash. A half-open target accepts a fixed share of the
 * flows of its slots, selected by bits of the hash that select neither slot nor entropy port: the result
 * depends on the hash only, so both legs of an untracked flow agree.
 */
static __always_inline int glb_target_accepts(__u32 target, __u64 hash) {
    const __u64 state = glb_target_state_of(target);
    if (glb_likely(state & GLB_TARGET_ACCEPT_NEW))
        return 1;
    return (state & GLB_TARGET_HALF_OPEN) && glb_hash_is_half_open(hash);
}

/*
 * The current table's choice among targets that accept new flows, GLB_NO_TARGET if none does. Equal on all
 * nodes with equal tables, key and target state. Global, so that it is verified once.
 */
__noinline int glb_maglev_pick(__u64 hash, __u32 table, __u32 group) {
    __u64 pick = hash;
    for (int i = 0; i < GLB_PICKS; i++) {
        const __u32 target = glb_maglev_at(table, pick);
        if (target == GLB_NO_TARGET)
            return GLB_NO_TARGET;
        if (glb_target_accepts(target, hash))
            return target;
        pick = glb_hash_finish(pick + 0x9e3779b97f4a7c15ull);
    }
    /* Many targets are down: use the controller's short list of those that accept new flows. */
    for (int i = 0; i < GLB_PICKS; i++) {
        const __u32 row =
            (group & (GLB_MAX_GROUPS - 1)) * GLB_FALLBACK_SLOTS + (pick & (GLB_FALLBACK_SLOTS - 1));
        const __u64 *entry = bpf_map_lookup_elem(&glb_fallback, &row);
        if (!entry)
            return GLB_NO_TARGET;
        const __u32 target = (__u32)*entry;
        if (target != GLB_NO_TARGET && glb_target_accepts(target, hash)) {
            glb_count(GLB_COUNT_STEERED_FALLBACK, 0);
            return target;
        }
        pick = glb_hash_finish(pick + 0x9e3779b97f4a7c15ull);
    }
    return GLB_NO_TARGET;
}

/*
 * The choice for a packet without an entry: from the group's previous table while its window is
 * open and the chosen target is alive (a failed one keeps established flows under `hold`, and no others),
 * else from the current table. New flows without a place, packets midstream and returned packets share this
 * function, so that they agree.
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
