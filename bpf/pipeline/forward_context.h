/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GLB_FORWARD_ONWARD_H
#define GLB_FORWARD_ONWARD_H

#include "lib/bpf.h"

/* What forwarding needs to know of a packet whose tunnel headers are off; offsets are gone, only values stay.
 */
struct glb_forward_ctx {
    __u32 endpoint;
    __u32 route_table; /* 0: the node's rules */
    __u32 ingress;     /* the tunnel's device, as the FIB knows it */
    __u32 route_generation;
    __u32 now;
    __s32 slot;
    __u64 meta;
    __u32 orientation;
    __u32 cacheable; /* no fragment, no ICMP error: their destination is the flow's own */
};

#endif
