/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data path: one program on every interface of the manifest.
 *
 *   parse -> classify -> steer -> encap            an endpoint's packet, to its target
 *   parse -> classify -> verify -> decap -> forward   what a target sent back
 *   count                                          every packet, by what became of it
 */
#include "lib/bpf.h"

#include "classify/classify.h"
#include "forward/punt.h"
#include "maps.h"
#include "parse/ethernet.h"
#include "parse/ip.h"
#include "pipeline/context.h"
#include "pipeline/outbound.h"
#include "pipeline/return.h"
#include "pipeline/verdict.h"
#include "telemetry/telemetry.h"

static __always_inline void glb_count_endpoint_in(__u32 endpoint, __u32 bytes) {
    struct glb_endpoint_count *count = bpf_map_lookup_elem(&glb_endpoint_counts, &endpoint);
    if (count) {
        count->in.packets++;
        count->in.bytes += bytes;
    }
}

static __always_inline void glb_count_endpoint_forwarded(__u32 endpoint, __u32 bytes) {
    struct glb_endpoint_count *count = bpf_map_lookup_elem(&glb_endpoint_counts, &endpoint);
    if (count) {
        count->forwarded.packets++;
        count->forwarded.bytes += bytes;
    }
}

/* What a target sent back; a packet that leaves is its endpoint's too. */
static __always_inline struct glb_verdict
glb_process_return(struct xdp_md *ctx, const struct glb_frame *frame, struct glb_context *scratch,
                   const struct glb_node *node, const struct glb_logical_port *port, __u32 bank) {
    const struct glb_verdict verdict = glb_return(ctx, frame, scratch, node, port, bank);
    if (verdict.action == GLB_FORWARD || verdict.action == GLB_PUNT)
        glb_count_endpoint_forwarded(scratch->onward.endpoint, scratch->inner.l3_len);
    return verdict;
}

/* An endpoint's packet; one that a bypass lets through has left by its endpoint. */
static __always_inline struct glb_verdict
glb_process_outbound(struct xdp_md *ctx, const struct glb_frame *frame, struct glb_context *scratch,
                     const struct glb_node *node, const struct glb_logical_port *port, __u32 bank) {
    const __u32 bytes = scratch->packet.l3_len;
    const __u32 endpoint = port->endpoint;
    glb_count_endpoint_in(endpoint, bytes);
    if (glb_unlikely(glb_is_looped_tunnel(node, &scratch->packet)))
        glb_count(GLB_COUNT_LOOP_SUSPECTED, bytes);
    const struct glb_verdict verdict = glb_outbound(ctx, frame, scratch, node, port, bank);
    if (verdict.action == GLB_BYPASS || verdict.action == GLB_BYPASS_PUNT)
        glb_count_endpoint_forwarded(endpoint, bytes);
    return verdict;
}

/* What the parser refused. The kernel judges what is neither an endpoint's nor UDP to the tunnel. */
static __always_inline struct glb_verdict
glb_handle_parse_error(struct xdp_md *ctx, const struct glb_frame *frame, const struct glb_node *node,
                       const struct glb_logical_port *port, int parsed) {
    const struct glb_ipv4 *ip = glb_at(ctx, frame->l2_len, struct glb_ipv4);
    const int is_outer = port->flags & GLB_PORT_TUNNEL && frame->eth_proto == GLB_ETH_IP && ip &&
                         ip->ip_proto == GLB_IPPROTO_UDP && ip->destination == node->tunnel_address;
    if (!is_outer && !(port->flags & GLB_PORT_ENDPOINT))
        return glb_pass(GLB_PASS_OTHER);
    if (parsed == GLB_PARSE_SHORT)
        return glb_drop(GLB_DROP_SHORT_LINEAR);
    return glb_drop(is_outer ? GLB_DROP_OUTER_MALFORMED : GLB_DROP_MALFORMED);
}

static __always_inline struct glb_verdict glb_process_ip(struct xdp_md *ctx, const struct glb_frame *frame,
                                                         const struct glb_node *node,
                                                         const struct glb_logical_port *port, __u32 bank) {
    struct glb_context *scratch = glb_context_get();
    if (!scratch)
        return glb_drop(GLB_DROP_NO_CONFIG);
    struct glb_packet *packet = &scratch->packet;
    __builtin_memset(packet, 0, sizeof *packet);
    const int parsed = glb_parse_ip(ctx, frame->l2_len, frame->eth_proto, glb_frame_len(ctx), packet);
    if (parsed)
        return glb_handle_parse_error(ctx, frame, node, port, parsed);
    switch (glb_classify_ip(node, port, packet)) {
    case GLB_CLASS_RETURN:
        return glb_process_return(ctx, frame, scratch, node, port, bank);
    case GLB_CLASS_SPOOFED:
        return glb_drop(GLB_DROP_UNKNOWN_SENDER);
    case GLB_CLASS_ENDPOINT:
        return glb_process_outbound(ctx, frame, scratch, node, port, bank);
    case GLB_CLASS_LOCAL:
        return glb_pass(GLB_PASS_LOCAL);
    default:
        return glb_pass(GLB_PASS_OTHER);
    }
}

static __always_inline struct glb_verdict glb_process(struct xdp_md *ctx) {
    const __u32 zero = 0;
    const struct glb_control *control = bpf_map_lookup_elem(&glb_control, &zero);
    struct glb_frame frame;

    if (!control || glb_parse_ethernet(ctx, &frame))
        return glb_pass(GLB_PASS_OTHER);
    const __u32 bank = GLB_READ(control->bank) & 1;
    const struct glb_node *node = bpf_map_lookup_elem(&glb_node, &bank);
    const struct glb_logical_port *port = glb_logical_port_find(bank, ctx->ingress_ifindex, &frame);
    if (!node || !port)
        return glb_pass(GLB_PASS_OTHER);
    const struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
    if (!eth || (frame.eth_proto != GLB_ETH_IP && frame.eth_proto != GLB_ETH_IPV6))
        return glb_pass(GLB_PASS_LOCAL);
    if (!glb_mac_is_local(port, eth->destination))
        return glb_pass(GLB_PASS_LOCAL);
    return glb_process_ip(ctx, &frame, node, port, bank);
}

static __always_inline int glb_pass_to_stack(struct xdp_md *ctx, enum glb_counter counter, __u32 bytes) {
    if (!glb_strip_metadata(ctx)) {
        glb_count_drop(GLB_DROP_PUNT_FAILED, bytes);
        return XDP_DROP;
    }
    glb_count(counter, bytes);
    return XDP_PASS;
}

/* By the devmap; an interface that it does not hold would lose the frame without a trace. */
static __always_inline int glb_redirect_out(__u32 ifindex, enum glb_counter counter, __u32 bytes) {
    const int code = bpf_redirect_map(&glb_devmap, ifindex, XDP_DROP);
    if (glb_unlikely(code != XDP_REDIRECT))
        glb_count_drop(GLB_DROP_REDIRECT_FAILED, bytes);
    else
        glb_count(counter, bytes);
    return code;
}

static __always_inline int glb_punt(struct xdp_md *ctx, __u32 endpoint, enum glb_counter counter,
                                    __u32 bytes) {
    if (!glb_punt_mark(ctx, endpoint)) {
        const __u32 nothing[4] = {0};
        glb_event_report(GLB_EVENT_NO_METADATA, ctx->ingress_ifindex, 0, nothing);
        glb_count_drop(GLB_DROP_PUNT_FAILED, bytes);
        return XDP_DROP;
    }
    glb_count(counter, bytes);
    return XDP_PASS;
}

SEC("xdp.frags")
int glb_xdp(struct xdp_md *ctx) {
    const __u32 bytes = glb_frame_len(ctx);
    const struct glb_verdict verdict = glb_process(ctx);

    switch (verdict.action) {
    case GLB_PASS_OTHER:
        return glb_pass_to_stack(ctx, GLB_COUNT_PASSED_OTHER, bytes);
    case GLB_PASS_LOCAL:
        return glb_pass_to_stack(ctx, GLB_COUNT_LOCAL, bytes);
    case GLB_ENCAP_REDIRECT:
        return glb_redirect_out(verdict.argument, GLB_COUNT_ENCAPSULATED, bytes);
    case GLB_FORWARD:
        return glb_redirect_out(verdict.argument, GLB_COUNT_FORWARDED, bytes);
    case GLB_PUNT:
        return glb_punt(ctx, verdict.argument, GLB_COUNT_PUNTED, bytes);
    case GLB_BYPASS:
        return glb_redirect_out(verdict.argument, GLB_COUNT_BYPASSED, bytes);
    case GLB_BYPASS_PUNT:
        return glb_punt(ctx, verdict.argument, GLB_COUNT_BYPASSED, bytes);
    case GLB_RESET:
        return glb_redirect_out(verdict.argument, GLB_COUNT_RESET_SENT_ON, bytes);
    case GLB_RESET_PUNT:
        return glb_punt(ctx, verdict.argument, GLB_COUNT_RESET_SENT_ON, bytes);
    case GLB_ANSWER:
        return glb_redirect_out(verdict.argument, GLB_COUNT_RESET_ANSWERED, bytes);
    case GLB_CONSUMED:
        glb_count(verdict.argument, bytes);
        return XDP_DROP;
    default:
        glb_count_drop(verdict.argument, bytes);
        return XDP_DROP;
    }
}

char LICENSE[] SEC("license") = "GPL";
