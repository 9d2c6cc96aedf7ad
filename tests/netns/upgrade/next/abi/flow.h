/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The next version, for tests: the cold line has another layout after the part common to all schemas. */
#ifndef GLB_NEXT_FLOW_H
#define GLB_NEXT_FLOW_H

#define glb_flow_cold glb_flow_cold_before
#include_next "abi/flow.h"
#undef glb_flow_cold

struct glb_flow_cold {
    __u32 low[4];
    __u32 high[4];
    __be16 low_port;
    __be16 high_port;
    __u8 ip_proto;
    __u8 family;
    __u8 initiator;
    __u8 generation;
    __u32 endpoint;
    __u32 start_tick;
    __u16 carry[4];
    __u64 novelty;
};
GLB_ABI(struct glb_flow_cold, 64);

#endif
