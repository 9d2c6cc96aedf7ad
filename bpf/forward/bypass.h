/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An endpoint's packet goes on without having seen a target: by the node's own decision (the RST of a flow
 * that is reset), or by the user's (bypass). As a router does it, from the endpoint's own port.
 */
#ifndef GLB_FORWARD_UNINSPECTED_H
#define GLB_FORWARD_UNINSPECTED_H

#include "forward/forward.h"
#include "pipeline/context.h"

/* Whether an operator has the endpoint bypassed. */
static __always_inline int glb_bypass_asked(__u32 endpoint, __u32 now) {
    const __u64 *row = bpf_map_lookup_elem(&glb_endpoint_override, &endpoint);
    const __u64 word = row ? GLB_READ(*row) : 0;
    if (glb_likely(!(word & (GLB_ENDPOINT_BYPASS | GLB_ENDPOINT_BYPASS_UNTIL))))
        return 0;
    return (word & GLB_ENDPOINT_BYPASS) || (__s32)((__u32)word - now) > 0;
}

/* What forwarding reads of a packet that has no flow: no egress is cached for it. */
static __always_inline void glb_forward_ctx_bypass(struct glb_forward_ctx *onward, __u32 endpoint_index,
                                                   const struct glb_endpoint *endpoint,
                                                   const struct glb_logical_port *port) {
    onward->endpoint = endpoint_index;
    onward->route_table = endpoint->route_table;
    onward->ingress = port->fib_ifindex;
    onward->slot = GLB_FLOW_NONE;
    onward->cacheable = 0;
}

/*
 * Sends scratch->packet on, which begins behind `l2_len` bytes, as scratch->onward says: a verdict's action
 * in the upper 32 bits (GLB_FORWARD, GLB_PUNT, GLB_DROP) and its argument in the lower. Global: the verifier
 * sees it once.
 */
__noinline __u64 glb_forward_bypass(struct xdp_md *ctx, struct glb_context *scratch, __u32 l2_len) {
    struct glb_verdict verdict = glb_drop(GLB_DROP_NO_HEADROOM);
    if (!scratch)
        return GLB_DROP_NO_CONFIG | (__u64)GLB_DROP << 32;
    if (glb_strip_to_ethernet(ctx, l2_len, &scratch->packet))
        verdict = glb_forward_by_fib(ctx, &scratch->packet, &scratch->onward, &scratch->hop);
    return verdict.argument | (__u64)verdict.action << 32;
}

/* The same, with the actions that stand for this way of sending on. */
static __always_inline struct glb_verdict glb_uninspected(struct xdp_md *ctx, struct glb_context *scratch,
                                                          __u32 l2_len, enum glb_action redirect,
                                                          enum glb_action door) {
    const __u64 sent = glb_forward_bypass(ctx, scratch, l2_len);
    struct glb_verdict verdict = {.action = (__u32)(sent >> 32), .argument = (__u32)sent};
    if (verdict.action == GLB_FORWARD)
        verdict.action = redirect;
    else if (verdict.action == GLB_PUNT)
        verdict.action = door;
    return verdict;
}

#endif
