/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Forwarding of a packet that is behind a 14-byte Ethernet header: by the egress cached in its flow, else by
 * the kernel's FIB, always through the devmap. A packet that needs the host stack is punted.
 */
#ifndef GLB_FORWARD_FORWARD_H
#define GLB_FORWARD_FORWARD_H

#include "forward/egress_cache.h"
#include "forward/fib.h"
#include "forward/rewrite.h"
#include "pipeline/context.h"
#include "pipeline/verdict.h"

/* Fills the forward context of an inspected packet, `packet`. `flow` is the flow's entry, `control` may be NULL. */
static __always_inline void
glb_forward_ctx_flow(struct glb_forward_ctx *forward, const struct glb_packet *packet,
                     const struct glb_steer_ctx *steer, const struct glb_flow_ref *flow,
                     const struct glb_endpoint *endpoint, const struct glb_logical_port *port,
                     const struct glb_control *control) {
    /* The destination of a fragment or an ICMP error is not that of its flow. */
    const int cacheable = !(steer->packet_flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR)) &&
                          !(endpoint->flags & GLB_ENDPOINT_PUNT);
    forward->endpoint = steer->key.endpoint;
    forward->endpoint_flags = endpoint->flags;
    forward->bank = steer->bank;
    forward->route_table = endpoint->route_table;
    forward->ingress_ifindex = port->fib_ifindex;
    forward->cache_slot = cacheable ? flow->slot : GLB_FLOW_NONE;
    forward->generation = glb_meta_generation(flow->meta);
    forward->orientation = steer->key.orientation;
    forward->route_key = (control ? control->route_generation : 0) ^ packet->route_bits;
    forward->now = steer->now;
}

/* Sends the packet to a next hop. Punts it if it exceeds the egress MTU or its TTL has expired. */
static __always_inline struct glb_verdict glb_send(struct xdp_md *ctx, const struct glb_packet *packet,
                                                   const struct glb_forward_ctx *forward,
                                                   const struct glb_next_hop *hop) {
    if (packet->l3_len > hop->egress.mtu || !glb_ttl_decrement(ctx, packet))
        return glb_verdict_punt(forward->endpoint, GLB_COUNT_PUNTED);
    if (!glb_rewrite_ethernet(ctx, packet, hop))
        return glb_verdict_drop(GLB_DROP_NO_HEADROOM);
    return glb_verdict_redirect(hop->egress.ifindex, GLB_COUNT_FORWARDED);
}

/* `route` is storage for the look-up. */
static __always_inline struct glb_verdict glb_forward_by_fib(struct xdp_md *ctx,
                                                             const struct glb_packet *packet,
                                                             const struct glb_forward_ctx *forward,
                                                             struct glb_route *route) {
    if (packet->ttl <= 1)
        return glb_verdict_punt(forward->endpoint, GLB_COUNT_PUNTED);
    if (forward->endpoint_flags & GLB_ENDPOINT_PUNT) /* the host stack is its only way */
        return glb_verdict_punt(forward->endpoint | GLB_PUNT_UNLIMITED, GLB_COUNT_PUNTED);
    const int failed = glb_fib(ctx, packet, forward, route);
    if (failed)
        return glb_verdict_punt(forward->endpoint | (failed == GLB_FIB_NO_EGRESS ? GLB_PUNT_UNLIMITED : 0),
                                GLB_COUNT_PUNTED);
    return glb_send(ctx, packet, forward, &route->hop);
}

static __always_inline struct glb_verdict glb_forward(struct xdp_md *ctx, const struct glb_packet *packet,
                                                      const struct glb_forward_ctx *forward,
                                                      struct glb_route *route) {
    const struct glb_next_hop *cached = glb_egress_cached(forward);
    if (cached) {
        glb_count(GLB_COUNT_CACHED_EGRESS, packet->l3_len);
        return glb_send(ctx, packet, forward, cached);
    }
    return glb_forward_by_fib(ctx, packet, forward, route);
}

#endif
