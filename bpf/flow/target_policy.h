/* SPDX-License-Identifier: GPL-2.0 */
/* What the state of its target means for a flow that has an entry. */
#ifndef GLB_FLOW_TARGET_POLICY_H
#define GLB_FLOW_TARGET_POLICY_H

#include "flow/flow_state.h"
#include "maps/state.h"

/* Whether the target keeps flows in this state: `hold` applies to established flows only. */
static __always_inline int glb_target_keeps(__u32 target, __u32 code) {
    const __u64 wanted =
        glb_flow_is_established(code) ? GLB_TARGET_KEEP_ESTABLISHED : GLB_TARGET_KEEP_EMBRYONIC;
    return (glb_target_state_of(target) & wanted) != 0;
}

/* Whether packets of the flow reset it: it is in a reset state, or is established TCP whose target resets its
 * flows. */
static __always_inline int glb_reset_applies(__u64 meta) {
    const __u32 code = glb_meta_code(meta);
    if (glb_flow_is_reset(code))
        return 1;
    if (!(meta & GLB_META_TCP) || !glb_flow_is_established(code))
        return 0;
    const __u64 state = glb_target_state_of(glb_meta_target(meta));
    return (state & (GLB_TARGET_RESET | GLB_TARGET_KEEP_ESTABLISHED)) == GLB_TARGET_RESET;
}

#endif
