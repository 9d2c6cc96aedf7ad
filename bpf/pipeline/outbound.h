/* SPDX-License-Identifier: GPL-2.0 */
/* The outbound leg: an endpoint's packet, from its flow to the tunnel. */
#ifndef GLB_PIPELINE_OUTBOUND_H
#define GLB_PIPELINE_OUTBOUND_H

#include "classify/tx_offload.h"
#include "flow/track.h"
#include "forward/bypass.h"
#include "pipeline/context.h"
#include "pipeline/steer_init.h"
#include "reset/decide.h"
#include "reset/segment.h"
#include "steer/steer.h"
#include "tunnel/encode.h"

/* Forwards the packet uninspected; the endpoint counts it as forwarded, like an inspected one (glb_punt() counts what is
 * punted). */
static __always_inline struct glb_verdict glb_outbound_bypass(struct xdp_md *ctx, __u32 l2_len,
                                                              const struct glb_packet *packet,
                                                              const struct glb_forward_ctx *forward,
                                                              struct glb_route *route) {
    const struct glb_verdict verdict =
        glb_forward_bypass(ctx, packet, forward, route, l2_len, GLB_COUNT_BYPASSED);
    if (verdict.action == GLB_ACTION_REDIRECT)
        glb_count_endpoint_forwarded(forward->endpoint, packet->l3_len);
    return verdict;
}

/* A packet of a flow that is reset (reset/step.h). */
static __always_inline struct glb_verdict glb_outbound_reset(struct xdp_md *ctx, __u32 l2_len,
                                                             struct glb_packet *packet,
                                                             const struct glb_forward_ctx *forward,
                                                             struct glb_route *route, int action) {
    if (action == GLB_RESET_FORWARD || action == GLB_RESET_ASK) {
        if (!glb_reset_rewrite(ctx, packet, l2_len, action == GLB_RESET_ASK))
            return glb_verdict_drop(GLB_DROP_SHORT_LINEAR);
        return glb_forward_bypass(ctx, packet, forward, route, l2_len, GLB_COUNT_RESET_SENT_ON);
    }
    if (action == GLB_RESET_DROP)
        return glb_verdict_drop(GLB_DROP_FLOW_RESET);
    if (!glb_reset_answer(ctx, packet, l2_len, action == GLB_RESET_PROBE))
        return glb_verdict_drop(GLB_DROP_SHORT_LINEAR);
    return glb_verdict_redirect(ctx->ingress_ifindex, GLB_COUNT_RESET_ANSWERED);
}

/* The group's policy when no target accepts the packet. */
static __always_inline struct glb_verdict glb_no_target_apply(struct xdp_md *ctx, __u32 l2_len,
                                                              const struct glb_packet *packet, __u32 group,
                                                              const struct glb_forward_ctx *forward,
                                                              struct glb_route *route) {
    const __u64 action = glb_group_action_of(group);
    if (action == GLB_NO_TARGET_BYPASS)
        return glb_outbound_bypass(ctx, l2_len, packet, forward, route);
    return glb_verdict_drop(action == GLB_NO_TARGET_PENDING ? GLB_DROP_NO_TARGET_YET : GLB_DROP_NO_TARGET);
}

/* Counts a packet that goes to its target, and marks its flow. */
static __always_inline void glb_outbound_account(const struct glb_packet *packet,
                                                 const struct glb_steer_ctx *steer,
                                                 const struct glb_flow_ref *flow, __u32 group_flags) {
    struct glb_target_count *count = glb_target_count_at(flow->target);
    if (count) {
        count->outbound.packets++;
        count->outbound.bytes += packet->l3_len;
    }
    glb_flow_count(flow->slot, GLB_LEG_OUTBOUND, steer->key.orientation, packet->l3_len);
    if (!(packet->flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR)))
        glb_flow_mark_outstanding(steer, flow, group_flags, count);
}

/* `storage` holds what this leg passes to its stages. */
static __always_inline struct glb_verdict glb_outbound(struct xdp_md *ctx, const struct glb_ingress *in,
                                                       struct glb_packet *packet,
                                                       struct glb_context *storage) {
    struct glb_steer_ctx *steer = &storage->steer;
    struct glb_forward_ctx *forward = &storage->forward;
    struct glb_route *route = &storage->route;
    const __u32 l2_len = in->frame.l2_len;
    const __u32 endpoint_index = in->port->endpoint;
    const struct glb_endpoint *endpoint = glb_endpoint_row(in->bank, endpoint_index);
    if (!endpoint)
        return glb_verdict_drop(GLB_DROP_NO_CONFIG);
    const __u32 now = glb_now_ticks();
    if (glb_unlikely(glb_bypass_active(endpoint_index, now))) {
        glb_forward_ctx_bypass(forward, endpoint_index, endpoint, in->port, in->bank);
        return glb_outbound_bypass(ctx, l2_len, packet, forward, route);
    }
    /* Checks fail for want of the address alone, so their result must not open onAllUnhealthy's bypass. */
    if (glb_unlikely(in->node->flags & GLB_NODE_NO_TUNNEL_ADDRESS))
        return glb_verdict_drop(GLB_DROP_NO_TUNNEL_ADDRESS);
    const __u32 group_index = endpoint->group & (GLB_MAX_GROUPS - 1);
    const struct glb_group *group = glb_group_row(in->bank, group_index);
    if (!group)
        return glb_verdict_drop(GLB_DROP_NO_CONFIG);

    glb_steer_ctx_init(steer, packet, in->node, group, endpoint_index, group_index, in->bank, now);
    struct glb_flow_ref flow;
    glb_flow_ref_clear(&flow, 0);
    int steered = GLB_STEERED_TO;
    if (glb_unlikely(!glb_steer_hit(steer, &flow))) {
        steered = glb_steer_slow(steer, &flow);
        glb_tx_offload_check(ctx, packet, l2_len, endpoint_index);
    } else if (glb_unlikely(packet->tcp_flags & GLB_TCP_SYN)) { /* a server's SYN-ACK */
        glb_tx_offload_check(ctx, packet, l2_len, endpoint_index);
    }
    if (glb_unlikely(steered != GLB_STEERED_TO)) {
        if (steered == GLB_STEERED_LIMITED)
            return glb_verdict_drop(GLB_DROP_SOURCE_LIMIT);
        glb_forward_ctx_bypass(forward, endpoint_index, endpoint, in->port, in->bank);
        if (steered == GLB_STEERED_RESET)
            return glb_outbound_reset(ctx, l2_len, packet, forward, route, glb_reset_decide(steer, &flow));
        return glb_no_target_apply(ctx, l2_len, packet, group_index, forward, route);
    }
    const struct glb_target *target = glb_target_row(in->bank, flow.target);
    if (!target)
        return glb_verdict_drop(GLB_DROP_NO_CONFIG);
    if (packet->flags & GLB_PKT_FRAGMENT)
        glb_count(GLB_COUNT_FRAGMENT_EARLY, packet->l3_len);

    const struct glb_encap_args args = {
        .l2_len = l2_len,
        .inner_len = packet->l3_len,
        .tos = packet->tos,
        .eth_proto = in->frame.eth_proto,
        .cookie = glb_unlikely(flow.slot < 0) ? glb_untracked_cookie(steer)
                                              : glb_flow_cookie((__u32)flow.slot, flow.meta),
        .entropy_port = glb_entropy_port(steer->hash),
    };
    const struct glb_verdict verdict = glb_encap(ctx, target, endpoint, &args);
    if (verdict.action == GLB_ACTION_REDIRECT)
        glb_outbound_account(packet, steer, &flow, group->flags);
    return verdict;
}

#endif
