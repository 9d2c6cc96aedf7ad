/* SPDX-License-Identifier: GPL-2.0 */
/* The out leg of an endpoint's packet, from its tuple to the tunnel. */
#ifndef GLB_ENCAP_OUT_H
#define GLB_ENCAP_OUT_H

#include "forward/bypass.h"
#include "pipeline/context.h"
#include "reset/reset.h"
#include "steer/steer.h"
#include "tunnel/encode.h"

/* Fills in all that steering and the return leg derive from endpoint and packet; the orientation is returned.
 */
static __always_inline __u32 glb_steering_init(struct glb_steer_ctx *steering,
                                               const struct glb_packet *packet, const struct glb_node *node,
                                               const struct glb_group *group, __u32 endpoint_index,
                                               __u32 group_index, __u32 bank, __u32 now) {
    struct glb_flow_insert_args *wish = &steering->wish;
    const __u32 orientation = glb_tuple_from(packet, &wish->tuple);

    wish->tag = glb_hash_tag(&wish->tuple, endpoint_index, &glb_settings.table_key);
    wish->meta = 0;
    wish->bank = bank;
    wish->now = now;
    wish->tcp = !!(packet->flags & GLB_PKT_TCP);
    wish->endpoint = endpoint_index;
    wish->orientation = orientation;
    wish->tried = 0;
    steering->hash = glb_hash_steer(&wish->tuple, group->stickiness, &node->steer_key);
    steering->group = group_index;
    steering->packet_flags = packet->flags;
    steering->tcp_flags = packet->tcp_flags;
    return orientation;
}

static __always_inline void glb_flow_count(__s32 slot, __u32 leg, __u32 orientation, __u32 bytes) {
    if (slot < 0)
        return;
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)slot);
    if (!hot)
        return;
    const __u32 index = (leg * 2 + orientation) & 3;
    const __u32 before = hot->count[index].bytes;
    hot->count[index].packets++;
    hot->count[index].bytes = before + bytes;
    if (glb_unlikely(before + bytes < before)) {
        struct glb_flow_cold *cold = glb_flow_cold_at((__u32)slot);
        if (cold)
            cold->carry[index]++;
    }
}

static __always_inline struct glb_verdict glb_bypass(struct xdp_md *ctx, struct glb_context *scratch,
                                                     __u32 l2_len) {
    return glb_uninspected(ctx, scratch, l2_len, GLB_BYPASS, GLB_BYPASS_PUNT);
}

/* What steering comes to where it is no target: a limit, a reset, and where nobody takes it the group's
 * policy. */
static __always_inline struct glb_verdict glb_no_target_apply(struct xdp_md *ctx, struct glb_context *scratch,
                                                              __u32 l2_len, enum glb_steered steered) {
    if (steered == GLB_STEERED_LIMITED)
        return glb_drop(GLB_DROP_SOURCE_LIMIT);
    if (steered == GLB_STEERED_RESET)
        return glb_reset(ctx, scratch, l2_len);
    const __u32 group = scratch->steering.group;
    const __u64 *word = bpf_map_lookup_elem(&glb_group_action, &group);
    const __u64 action = word ? GLB_READ(*word) : GLB_NO_TARGET_DROP;
    if (action == GLB_NO_TARGET_BYPASS)
        return glb_bypass(ctx, scratch, l2_len);
    return glb_drop(action == GLB_NO_TARGET_PENDING ? GLB_DROP_NO_TARGET_YET : GLB_DROP_NO_TARGET);
}

static __always_inline struct glb_verdict glb_outbound(struct xdp_md *ctx, const struct glb_frame *frame,
                                                       struct glb_context *scratch,
                                                       const struct glb_node *node,
                                                       const struct glb_logical_port *port, __u32 bank) {
    const struct glb_packet *packet = &scratch->packet;
    struct glb_steer_ctx *steering = &scratch->steering;
    const __u32 endpoint_index = port->endpoint;
    const __u32 row = bank * GLB_MAX_ENDPOINTS + (endpoint_index & (GLB_MAX_ENDPOINTS - 1));
    const struct glb_endpoint *endpoint = bpf_map_lookup_elem(&glb_endpoints, &row);
    if (!endpoint)
        return glb_drop(GLB_DROP_NO_CONFIG);
    const __u32 now = glb_now_ticks();
    if (glb_unlikely(glb_bypass_asked(endpoint_index, now))) {
        glb_forward_ctx_bypass(&scratch->onward, endpoint_index, endpoint, port);
        return glb_bypass(ctx, scratch, frame->l2_len);
    }
    const __u32 group_index = endpoint->group & (GLB_MAX_GROUPS - 1);
    const struct glb_group *group = glb_group_row(bank, group_index);
    if (!group)
        return glb_drop(GLB_DROP_NO_CONFIG);

    const __u32 orientation =
        glb_steering_init(steering, packet, node, group, endpoint_index, group_index, bank, now);
    const int steered = glb_steer(steering);
    if (glb_unlikely(steered != GLB_STEERED_TO)) {
        glb_forward_ctx_bypass(&scratch->onward, endpoint_index, endpoint, port);
        return glb_no_target_apply(ctx, scratch, frame->l2_len, steered);
    }
    const struct glb_target *target = glb_target_row(bank, steering->target);
    if (!target)
        return glb_drop(GLB_DROP_NO_CONFIG);
    if (packet->flags & GLB_PKT_FRAGMENT)
        glb_count(GLB_COUNT_FRAGMENT_EARLY, packet->l3_len);

    const struct glb_encap what = {
        .l2_len = frame->l2_len,
        .inner_len = packet->l3_len,
        .tos = packet->tos,
        .eth_proto = frame->eth_proto,
        .cookie = steering->cookie,
        .entropy_port = glb_entropy_port(steering->hash),
    };
    const struct glb_verdict verdict = glb_encap(ctx, target, endpoint, &what);
    if (verdict.action == GLB_ENCAP_REDIRECT) {
        struct glb_target_count *count = glb_target_count_at(steering->target);
        if (count) {
            count->out.packets++;
            count->out.bytes += packet->l3_len;
        }
        glb_flow_count(steering->slot, GLB_LEG_OUTBOUND, orientation, packet->l3_len);
        if (!(packet->flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR)))
            glb_flow_mark_outstanding(steering, group->flags, count);
    }
    return verdict;
}

#endif
