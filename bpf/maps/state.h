/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Target state: written by the controller's health checks at any time, read by the data path. Outside the
 * banks, so that a target's failure is a single map write.
 */
#ifndef GLB_MAPS_STATE_H
#define GLB_MAPS_STATE_H

#include "abi/config.h"
#include "maps/declare.h"

GLB_ARRAY(glb_target_state, __u64, GLB_MAX_TARGETS);
GLB_ARRAY(glb_group_action, __u64, GLB_MAX_GROUPS);
GLB_ARRAY(glb_fallback, __u64, GLB_MAX_GROUPS *GLB_FALLBACK_SLOTS);

/* The flags GLB_TARGET_ACCEPT_NEW and those after it (abi/config.h); 0 for an index out of range. */
static __always_inline __u64 glb_target_state_of(__u32 target) {
    const __u64 *state = bpf_map_lookup_elem(&glb_target_state, &target);
    return state ? GLB_READ(*state) : 0;
}

/* What to do when no target of the group accepts a flow: enum glb_no_target_action. */
static __always_inline __u64 glb_group_action_of(__u32 group) {
    const __u64 *action = bpf_map_lookup_elem(&glb_group_action, &group);
    return action ? GLB_READ(*action) : GLB_NO_TARGET_DROP;
}

#endif
