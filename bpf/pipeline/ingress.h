/* SPDX-License-Identifier: GPL-2.0 */
/* A received frame, from its first byte to the leg that processes it. */
#ifndef GLB_PIPELINE_INGRESS_H
#define GLB_PIPELINE_INGRESS_H

#include "classify/classify.h"
#include "parse/ethernet.h"
#include "parse/ip.h"
#include "parse/ipv4_checksum.h"
#include "pipeline/context.h"
#include "pipeline/outbound.h"
#include "pipeline/return.h"
#include "pipeline/verdict.h"

/* A packet that the parser rejects. One that is neither an endpoint's nor UDP to the tunnel is left to the
 * host stack.
 */
static __always_inline struct glb_verdict glb_handle_parse_error(struct xdp_md *ctx,
                                                                 const struct glb_ingress *in, int parsed) {
    const struct glb_ipv4 *ip = glb_at(ctx, in->frame.l2_len, struct glb_ipv4);
    const int is_outer = in->port->flags & GLB_PORT_TUNNEL && in->frame.eth_proto == GLB_ETH_IP && ip &&
                         ip->ip_proto == GLB_IPPROTO_UDP && ip->destination == in->node->tunnel_address;
    const int unknown = !ip && parsed == GLB_PARSE_SHORT; /* it may be the tunnel's */
    if (!is_outer && !unknown && !(in->port->flags & GLB_PORT_ENDPOINT))
        return glb_verdict_pass(GLB_COUNT_PASSED_OTHER);
    if (parsed == GLB_PARSE_SHORT)
        return glb_verdict_drop(GLB_DROP_SHORT_LINEAR);
    return glb_verdict_drop(is_outer ? GLB_DROP_OUTER_MALFORMED : GLB_DROP_MALFORMED);
}

static __always_inline struct glb_verdict glb_process_endpoint(struct xdp_md *ctx,
                                                               const struct glb_ingress *in,
                                                               struct glb_packet *packet,
                                                               struct glb_context *storage) {
    /* No router forwards it, and the update for the TTL would keep a wrong checksum wrong. */
    if (packet->family == 4 && glb_unlikely(!glb_ipv4_checksum_ok(ctx, in->frame.l2_len)))
        return glb_verdict_drop(GLB_DROP_BAD_CHECKSUM);
    glb_count_endpoint_in(in->port->endpoint, packet->l3_len);
    return glb_outbound(ctx, in, packet, storage);
}

static __always_inline struct glb_verdict glb_drop_martian(const struct glb_ingress *in,
                                                           const struct glb_packet *packet) {
    if (glb_is_looped_tunnel(in->node, packet))
        glb_count(GLB_COUNT_LOOP_SUSPECTED, packet->l3_len);
    return glb_verdict_drop(GLB_DROP_MARTIAN);
}

static __always_inline struct glb_verdict glb_process_ip(struct xdp_md *ctx, const struct glb_ingress *in,
                                                         __u32 *bytes) {
    struct glb_context *storage = glb_context_get();
    if (!storage)
        return glb_verdict_drop(GLB_DROP_NO_CONFIG);
    struct glb_packet *packet = &storage->packet;
    __builtin_memset(packet, 0, sizeof *packet);
    const int parsed = glb_parse_ip(ctx, in->frame.l2_len, in->frame.eth_proto, glb_frame_len(ctx), packet);
    if (parsed)
        return glb_handle_parse_error(ctx, in, parsed);
    *bytes = packet->l3_len;
    switch (glb_classify_ip(in->node, in->port, packet)) {
    case GLB_CLASS_RETURN:
        return glb_return(ctx, in, packet, storage, bytes);
    case GLB_CLASS_SPOOFED:
        return glb_verdict_drop(GLB_DROP_UNKNOWN_SENDER);
    case GLB_CLASS_MARTIAN:
        return glb_drop_martian(in, packet);
    case GLB_CLASS_ENDPOINT:
        return glb_process_endpoint(ctx, in, packet, storage);
    case GLB_CLASS_LOCAL:
        return glb_verdict_pass(GLB_COUNT_LOCAL);
    default:
        return glb_verdict_pass(GLB_COUNT_PASSED_OTHER);
    }
}

/*
 * Whether a frame whose Ethernet header or tags are not in its linear part would be processed: an IP packet to
 * this node, received on a port of the manifest. Global, so that it is verified once, apart from the plain
 * path.
 */
__noinline int glb_short_frame_is_ours(struct xdp_md *ctx) {
    const struct glb_control *control = glb_control_row();
    struct glb_frame frame = {};
    struct glb_eth eth = {};

    if (!control || glb_load_ethernet(ctx, &eth, &frame))
        return 0;
    if (frame.eth_proto != GLB_ETH_IP && frame.eth_proto != GLB_ETH_IPV6)
        return 0;
    const __u32 bank = GLB_READ(control->bank) & 1;
    const struct glb_logical_port *port = glb_logical_port_find(bank, ctx->ingress_ifindex, &frame);
    return port && glb_mac_is_local(port, eth.destination);
}

/* Reads the configuration bank once; the packet is processed by that bank even if the controller flips it
 * meanwhile. `bytes`: what the counters add for the packet. */
static __always_inline struct glb_verdict glb_process(struct xdp_md *ctx, __u32 *bytes) {
    const struct glb_control *control = glb_control_row();
    struct glb_ingress in;

    if (!control)
        return glb_verdict_pass(GLB_COUNT_PASSED_OTHER);
    if (glb_unlikely(glb_parse_ethernet(ctx, &in.frame)))
        return glb_short_frame_is_ours(ctx) ? glb_verdict_drop(GLB_DROP_SHORT_LINEAR)
                                            : glb_verdict_pass(GLB_COUNT_PASSED_OTHER);
    *bytes -= in.frame.l2_len - GLB_ETH_LEN;
    in.bank = GLB_READ(control->bank) & 1;
    in.node = bpf_map_lookup_elem(&glb_node, &in.bank);
    in.port = glb_logical_port_find(in.bank, ctx->ingress_ifindex, &in.frame);
    if (!in.node || !in.port)
        return glb_verdict_pass(GLB_COUNT_PASSED_OTHER);
    const struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
    if (!eth || (in.frame.eth_proto != GLB_ETH_IP && in.frame.eth_proto != GLB_ETH_IPV6))
        return glb_verdict_pass(GLB_COUNT_LOCAL);
    if (!glb_mac_is_local(in.port, eth->destination))
        return glb_verdict_pass(GLB_COUNT_LOCAL);
    return glb_process_ip(ctx, &in, bytes);
}

#endif
