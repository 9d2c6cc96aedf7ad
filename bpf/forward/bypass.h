/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Forwarding without inspection: of a bypassed endpoint's packets, and of the RST of a flow that is reset.
 * The packet is routed as if the host stack had received it on the endpoint's port.
 */
#ifndef GLB_FORWARD_BYPASS_H
#define GLB_FORWARD_BYPASS_H

#include "forward/forward.h"

/* Whether an operator's override bypasses the endpoint now. */
static __always_inline int glb_bypass_active(__u32 endpoint, __u32 now) {
    const __u64 override = glb_endpoint_override_of(endpoint);
    if (glb_likely(!(override & (GLB_ENDPOINT_BYPASS | GLB_ENDPOINT_BYPASS_UNTIL))))
        return 0;
    return (override & GLB_ENDPOINT_BYPASS) || (__s32)((__u32) override - now) > 0;
}

/* Fills the forward context of a packet that is not inspected. */
static __always_inline void glb_forward_ctx_bypass(struct glb_forward_ctx *forward, __u32 endpoint_index,
                                                   const struct glb_endpoint *endpoint,
                                                   const struct glb_logical_port *port, __u32 bank) {
    forward->endpoint = endpoint_index;
    forward->endpoint_flags = endpoint->flags;
    forward->bank = bank;
    forward->route_table = endpoint->route_table;
    forward->ingress_ifindex = port->fib_ifindex;
    forward->cache_slot = GLB_FLOW_NONE;
}

/*
 * Forwards the packet behind `l2_len` bytes of Ethernet header and tags. A packed verdict with the counters
 * of an inspected packet. Global, so that it is verified once.
 */
__noinline __u64 glb_forward_stripped(struct xdp_md *ctx, const struct glb_packet *packet,
                                      const struct glb_forward_ctx *forward, struct glb_route *route,
                                      __u32 l2_len) {
    if (!packet || !forward || !route)
        return glb_verdict_pack(glb_verdict_drop(GLB_DROP_NO_CONFIG));
    if (!glb_strip_to_ethernet(ctx, l2_len, packet))
        return glb_verdict_pack(glb_verdict_drop(GLB_DROP_NO_HEADROOM));
    return glb_verdict_pack(glb_forward_by_fib(ctx, packet, forward, route));
}

/* The same, counted by `counter` unless it is dropped. */
static __always_inline struct glb_verdict
glb_forward_bypass(struct xdp_md *ctx, const struct glb_packet *packet, const struct glb_forward_ctx *forward,
                   struct glb_route *route, __u32 l2_len, enum glb_counter counter) {
    struct glb_verdict verdict =
        glb_verdict_unpack(glb_forward_stripped(ctx, packet, forward, route, l2_len));
    if (glb_verdict_forwards(verdict))
        verdict.counter = counter;
    return verdict;
}

#endif
