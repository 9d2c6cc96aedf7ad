/* SPDX-License-Identifier: GPL-2.0 */
/* The return leg: verifies a packet's sender and flow, decapsulates it, updates the flow, and forwards it. */
#ifndef GLB_PIPELINE_RETURN_H
#define GLB_PIPELINE_RETURN_H

#include "classify/martian.h"
#include "flow/track.h"
#include "forward/forward.h"
#include "health/in_band.h"
#include "health/passive.h"
#include "parse/ip.h"
#include "parse/ipv4_checksum.h"
#include "pipeline/context.h"
#include "pipeline/steer_init.h"
#include "tunnel/decode.h"
#include "tunnel/ecn.h"
#include "tunnel/verify_owner.h"

/* Updates the entry and the counters of a verified packet's flow. */
static __always_inline void glb_return_account(const struct glb_packet *inner,
                                               const struct glb_steer_ctx *steer,
                                               const struct glb_flow_ref *flow, __u32 group_flags) {
    if (flow->slot < 0)
        return;
    const int advances = !(inner->flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR));
    const __u32 orientation = steer->key.orientation;
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)flow->slot);
    struct glb_target_count *count = glb_target_count_at(flow->target);
    if (hot && advances)
        glb_flow_clear_outstanding(glb_flow_update_state(hot, flow->meta, steer->now, inner, orientation),
                                   count);
    if (glb_unlikely(glb_meta_code(flow->meta) == GLB_FLOW_EMBRYONIC_0 + orientation) && advances)
        glb_flow_update_one_way(steer->key.tag, (__u32)flow->slot, steer->now, orientation);
    if (advances && (group_flags & GLB_GROUP_PASSIVE))
        glb_seen_set(steer->key.endpoint, flow->target);
    glb_flow_count(flow->slot, GLB_LEG_RETURN, orientation, inner->l3_len);
    if (count) {
        count->returned.packets++;
        count->returned.bytes += inner->l3_len;
    }
}

/* What no router forwards, and the FIB look-up does not check. 0, or glb_error(). */
static __always_inline int glb_return_refused(struct xdp_md *ctx, const struct glb_node *node,
                                              const struct glb_endpoint *endpoint, __u32 offset,
                                              const struct glb_packet *inner) {
    if (glb_source_is_martian(node, inner))
        return glb_error(GLB_DROP_MARTIAN);
    if (inner->family == 4 && !glb_ipv4_checksum_ok(ctx, offset))
        return glb_error(GLB_DROP_BAD_CHECKSUM);
    /* Nobody at the endpoint has sent it: "fragmentation needed" would reach a host that cannot act on it. */
    if (inner->l3_len > endpoint->mtu)
        return glb_error(GLB_DROP_APPLIANCE_OFFLOAD);
    return 0;
}

/*
 * The inner packet, of a sender that is a target. `info` describes its GENEVE header, `outer` its outer
 * packet. `storage` holds what this leg passes to its stages; `bytes` is what the counters add.
 */
static __always_inline struct glb_verdict glb_return_inner(struct xdp_md *ctx, const struct glb_ingress *in,
                                                           const struct glb_packet *outer,
                                                           const struct glb_return_info *info,
                                                           const struct glb_sender *sender,
                                                           struct glb_context *storage, __u32 *bytes) {
    struct glb_packet *inner = &storage->inner;
    struct glb_steer_ctx *steer = &storage->steer;

    __builtin_memset(inner, 0, sizeof *inner);
    *bytes = info->payload_end - info->inner_offset;
    const int parsed = glb_parse_ip(ctx, info->inner_offset, info->inner_proto, info->payload_end, inner);
    if (parsed)
        return glb_verdict_drop(parsed == GLB_PARSE_SHORT ? GLB_DROP_SHORT_LINEAR : GLB_DROP_INNER_MALFORMED);
    *bytes = inner->l3_len;
    const int endpoint_index = glb_endpoint_find(in->bank, info->endpoint_id);
    if (endpoint_index < 0 && info->endpoint_id == GLB_IN_BAND_ENDPOINT)
        return glb_in_band(ctx, info->inner_offset, inner, outer->saddr[0]);
    if (endpoint_index < 0)
        return glb_verdict_drop(GLB_DROP_UNKNOWN_ENDPOINT);
    const struct glb_endpoint *endpoint = glb_endpoint_row(in->bank, (__u32)endpoint_index);
    if (!endpoint)
        return glb_verdict_drop(GLB_DROP_NO_CONFIG);
    const __u32 group_index = endpoint->group & (GLB_MAX_GROUPS - 1);
    const struct glb_group *group = glb_group_row(in->bank, group_index);
    if (!group)
        return glb_verdict_drop(GLB_DROP_NO_CONFIG);

    glb_steer_ctx_init(steer, inner, in->node, group, (__u32)endpoint_index, group_index, in->bank,
                       glb_now_ticks());
    struct glb_flow_ref flow;
    const int error = glb_verify_owner(steer, inner, info->cookie, sender, group->flags, &flow);
    if (error)
        return glb_verdict_error(error);

    const int refused = glb_return_refused(ctx, in->node, endpoint, info->inner_offset, inner);
    if (glb_unlikely(refused))
        return glb_verdict_error(refused);

    glb_forward_ctx_flow(&storage->forward, inner, steer, &flow, endpoint, in->port, glb_control_row());
    glb_return_account(inner, steer, &flow, group->flags);
    if (!glb_strip_to_ethernet(ctx, info->inner_offset, inner))
        return glb_verdict_drop(GLB_DROP_NO_HEADROOM);
    glb_ecn_decapsulate(ctx, inner, outer->tos);
    const struct glb_verdict verdict = glb_forward(ctx, inner, &storage->forward, &storage->route);
    if (verdict.action == GLB_ACTION_REDIRECT) /* glb_punt() counts what is punted */
        glb_count_endpoint_forwarded((__u32)endpoint_index, inner->l3_len);
    return verdict;
}

/* GENEVE to the tunnel address on the tunnel's port. */
static __always_inline struct glb_verdict glb_return(struct xdp_md *ctx, const struct glb_ingress *in,
                                                     const struct glb_packet *outer,
                                                     struct glb_context *storage, __u32 *bytes) {
    struct glb_return_info *info = &storage->returned;
    const __u32 l2_len = in->frame.l2_len;
    const struct glb_sender *sender = 0;
    int error = glb_sender_check(ctx, in->bank, outer, &sender);
    if (outer->flags & GLB_PKT_FRAGMENT) {
        /* A fragment has no ports: unless a target sent it, it is other UDP traffic to the node. */
        if (error == glb_error(GLB_DROP_UNKNOWN_SENDER))
            return glb_verdict_pass(GLB_COUNT_LOCAL);
        return glb_verdict_drop(GLB_DROP_OUTER_FRAGMENT);
    }
    if (error)
        return glb_verdict_error(error);
    const struct glb_ipv4 *ip = glb_at(ctx, l2_len, struct glb_ipv4);
    if (!ip)
        return glb_verdict_drop(GLB_DROP_OUTER_MALFORMED);
    const __u32 udp = l2_len + (ip->version_ihl & 0xf) * 4;
    error = glb_parse_geneve(ctx, udp, l2_len + outer->l3_len, info);
    if (error)
        return glb_verdict_error(error);
    return glb_return_inner(ctx, in, outer, info, sender, storage, bytes);
}

#endif
