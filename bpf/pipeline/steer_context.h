/* SPDX-License-Identifier: GPL-2.0 */
/* The question and the answer of steering. */
#ifndef GLB_STEER_STEERING_H
#define GLB_STEER_STEERING_H

#include "flow/table_maps.h"

#include "flow/flow_table.h"

/* What a packet is steered by, filled in before; and what comes out. */
struct glb_steer_ctx {
    struct glb_flow_insert_args wish;
    __u64 hash; /* steering hash */
    __u32 group;
    __u32 packet_flags;
    __u32 tcp_flags;
    __u32 reset;  /* out: an enum glb_reset_act, of GLB_STEERED_RESET */
    __u32 target; /* out */
    __u32 cookie; /* out; 0 for untracked packets */
    __s32 slot;   /* out; GLB_FLOW_NONE where untracked */
};

#endif
