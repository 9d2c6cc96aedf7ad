/* SPDX-License-Identifier: GPL-2.0 */
/* The back leg: verify who sent it and whose flow it is, take the tunnel off, learn, send it on. */
#ifndef GLB_DECAP_BACK_H
#define GLB_DECAP_BACK_H

#include "forward/forward.h"
#include "health/in_band.h"
#include "parse/ip.h"
#include "pipeline/outbound.h"
#include "tunnel/verify_owner.h"

/*
 * ECN through the tunnel (RFC 6040, section 4.2). CE outside and Not-ECT inside would be a drop there; here
 * it goes on unchanged and is counted, since appliances mark what they should not.
 */
static __always_inline void glb_ecn_inward(struct xdp_md *ctx, struct glb_packet *packet, __u32 outer_tos) {
    const __u32 outer = outer_tos & 3;
    const __u32 inner = packet->tos & 3;

    if (glb_likely(outer == inner || outer == 0))
        return;
    if (outer == 3 && inner == 0) {
        glb_count(GLB_COUNT_ECN_CE_NOT_ECT, packet->l3_len);
        return;
    }
    if (inner == 0 || inner == 3 || outer == 2)
        return;
    const __u32 tos = (packet->tos & ~3u) | outer;
    if (packet->family == 4) {
        struct glb_ipv4 *ip = glb_at(ctx, GLB_ETH_LEN, struct glb_ipv4);
        if (!ip)
            return;
        ip->check =
            glb_sum_update(ip->check, bpf_htons(0x4500 | packet->tos), bpf_htons((__u16)(0x4500 | tos)));
        ip->tos = (__u8)tos;
    } else {
        struct glb_ipv6 *ip = glb_at(ctx, GLB_ETH_LEN, struct glb_ipv6);
        if (!ip)
            return;
        ip->class_flow = (__u8)((ip->class_flow & 0x0f) | ((tos & 0x0f) << 4));
    }
    packet->tos = (__u8)tos;
}

/* The sender: a target's address, and where that is on-link, its MAC. 0, or a drop reason + 1. */
static __always_inline int glb_sender_check(struct xdp_md *ctx, __u32 bank, const struct glb_packet *outer,
                                            struct glb_return_info *returned) {
    const struct glb_sender *sender = glb_sender_find(bank, outer->saddr[0]);
    if (!sender)
        return GLB_DROP_UNKNOWN_SENDER + 1;
    if (sender->mac) {
        const struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
        if (!eth || glb_mac_number(eth->source) != sender->mac) {
            __u32 words[4] = {outer->saddr[0], 0, 0, 0};
            if (eth)
                __builtin_memcpy(&words[1], eth->source, 6);
            glb_event_report(GLB_EVENT_SENDER_MAC, ctx->ingress_ifindex, 4, words);
            return GLB_DROP_SENDER_MAC + 1;
        }
    }
    returned->address_id = sender->address_id;
    returned->outer_tos = outer->tos;
    return 0;
}

static __always_inline struct glb_verdict glb_return_inner(struct xdp_md *ctx, struct glb_context *scratch,
                                                           const struct glb_node *node,
                                                           const struct glb_logical_port *port, __u32 bank) {
    const struct glb_return_info *returned = &scratch->returned;
    struct glb_packet *inner = &scratch->inner;
    struct glb_steer_ctx *steering = &scratch->steering;
    struct glb_forward_ctx *onward = &scratch->onward;

    __builtin_memset(inner, 0, sizeof *inner);
    const int parsed =
        glb_parse_ip(ctx, returned->inner_offset, returned->inner_proto, returned->carried, inner);
    if (parsed)
        return glb_drop(parsed == GLB_PARSE_SHORT ? GLB_DROP_SHORT_LINEAR : GLB_DROP_INNER_MALFORMED);
    const int endpoint_index = glb_endpoint_find(bank, returned->endpoint_id);
    if (endpoint_index < 0 && returned->endpoint_id == GLB_IN_BAND_ENDPOINT)
        return glb_in_band(ctx, returned->inner_offset, inner, scratch->packet.saddr[0]);
    if (endpoint_index < 0)
        return glb_drop(GLB_DROP_UNKNOWN_ENDPOINT);
    const __u32 row = bank * GLB_MAX_ENDPOINTS + ((__u32)endpoint_index & (GLB_MAX_ENDPOINTS - 1));
    const struct glb_endpoint *endpoint = bpf_map_lookup_elem(&glb_endpoints, &row);
    if (!endpoint)
        return glb_drop(GLB_DROP_NO_CONFIG);
    const __u32 group_index = endpoint->group & (GLB_MAX_GROUPS - 1);
    const struct glb_group *group = glb_group_row(bank, group_index);
    if (!group)
        return glb_drop(GLB_DROP_NO_CONFIG);

    const __u32 now = glb_now_ticks();
    const __u32 orientation =
        glb_steering_init(steering, inner, node, group, (__u32)endpoint_index, group_index, bank, now);
    const int refused = glb_verify_owner(steering, returned, group->flags);
    if (refused)
        return glb_drop(refused - 1);

    const __u32 control_key = 0;
    const struct glb_control *control = bpf_map_lookup_elem(&glb_control, &control_key);
    const int learns = !(inner->flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR));
    onward->endpoint = (__u32)endpoint_index;
    onward->route_table = endpoint->route_table;
    onward->ingress = port->fib_ifindex;
    onward->route_generation = control ? control->route_generation : 0;
    onward->now = now;
    onward->slot = steering->slot;
    onward->meta = steering->wish.meta;
    onward->orientation = orientation;
    onward->cacheable = learns;
    if (steering->slot >= 0) {
        struct glb_flow_hot *hot = glb_flow_hot_at((__u32)steering->slot);
        struct glb_target_count *count = glb_target_count_at(steering->target);
        if (hot && learns)
            glb_flow_update_state(hot, steering, inner, orientation, count);
        if (learns && (group->flags & GLB_GROUP_PASSIVE))
            glb_seen_set(steering->wish.endpoint, steering->target);
        glb_flow_count(steering->slot, GLB_LEG_RETURN, orientation, inner->l3_len);
        if (count) {
            count->back.packets++;
            count->back.bytes += inner->l3_len;
        }
    }
    if (!glb_strip_to_ethernet(ctx, returned->inner_offset, inner))
        return glb_drop(GLB_DROP_NO_HEADROOM);
    glb_ecn_inward(ctx, inner, returned->outer_tos);
    return glb_forward(ctx, inner, onward, &scratch->hop);
}

/* GENEVE to the tunnel address on the tunnel's interface. `outer` is what parsing found of its outer packet.
 */
static __always_inline struct glb_verdict glb_return(struct xdp_md *ctx, const struct glb_frame *frame,
                                                     struct glb_context *scratch, const struct glb_node *node,
                                                     const struct glb_logical_port *port, __u32 bank) {
    const struct glb_packet *outer = &scratch->packet;
    int refused = glb_sender_check(ctx, bank, outer, &scratch->returned);
    if (outer->flags & GLB_PKT_FRAGMENT) {
        /* Fragments have no ports: from anyone but a target this is some other UDP of the node. */
        if (refused == GLB_DROP_UNKNOWN_SENDER + 1)
            return glb_pass(GLB_PASS_LOCAL);
        return glb_drop(GLB_DROP_OUTER_FRAGMENT);
    }
    if (refused)
        return glb_drop(refused - 1);
    const struct glb_ipv4 *ip = glb_at(ctx, frame->l2_len, struct glb_ipv4);
    if (!ip)
        return glb_drop(GLB_DROP_OUTER_MALFORMED);
    const __u32 udp = frame->l2_len + (ip->version_ihl & 0xf) * 4;
    refused = glb_parse_geneve(ctx, udp, frame->l2_len + outer->l3_len, &scratch->returned);
    if (refused)
        return glb_drop(refused - 1);
    return glb_return_inner(ctx, scratch, node, port, bank);
}

#endif
