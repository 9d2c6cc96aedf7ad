/* SPDX-License-Identifier: GPL-2.0 */
/* Encapsulation: the target's header template, and the fields that differ between packets. */
#ifndef GLB_TUNNEL_ENCODE_H
#define GLB_TUNNEL_ENCODE_H

#include "abi/config.h"
#include "lib/checksum.h"
#include "lib/frame.h"
#include "lib/words.h"
#include "parse/l4.h"
#include "pipeline/verdict.h"
#include "tunnel/geneve.h"

struct glb_encap_args {
    __u32 l2_len;    /* of the received frame */
    __u32 inner_len; /* of the inner IP packet */
    __u32 tos;       /* of the inner packet */
    __u32 eth_proto; /* of the inner packet, host order */
    __u32 cookie;
    __u32 entropy_port; /* host order */
};

/* The part of the outer header that has fields to write at fixed places. */
struct glb_outer {
    struct glb_ipv4 ip;
    struct glb_udp udp;
    struct glb_geneve geneve;
};

/* The template is copied as a start of constant length and an end of constant length, which may overlap. */
#define GLB_HEADER_START 80
#define GLB_HEADER_END 32
_Static_assert(GLB_HEADER_START <= GLB_HEADER_MIN && GLB_HEADER_MAX <= GLB_HEADER_START + GLB_HEADER_END,
               "start and end cover a header of any length");

/* Copies the template of `len` bytes to the start of the frame. 0 if the frame's linear part is shorter. */
static __always_inline int glb_header_copy(struct xdp_md *ctx, const struct glb_target *target, __u32 len) {
    void *start = glb_at_bytes(ctx, 0, GLB_HEADER_START);
    void *end = glb_at_bytes(ctx, len - GLB_HEADER_END, GLB_HEADER_END);

    if (!start || !end)
        return 0;
    glb_copy_words(start, target->header, GLB_HEADER_START);
    glb_copy_words(end, target->header + (len - GLB_HEADER_END), GLB_HEADER_END);
    return 1;
}

/* `outer_len` is the length of the outer IP packet. ECN as in RFC 6040, normal mode; DSCP 0. */
static __always_inline void glb_encap_outer(struct glb_outer *outer, const struct glb_target *target,
                                            const struct glb_encap_args *args, __u32 outer_len) {
    const __u32 ecn = args->tos & 3;

    outer->ip.tos = (__u8)ecn;
    outer->ip.len = bpf_htons(outer_len);
    outer->ip.check = glb_sum_fold(target->ip_sum + bpf_htons(outer_len) + bpf_htons(ecn));
    outer->udp.source = bpf_htons(args->entropy_port);
    outer->udp.len = bpf_htons(outer_len - sizeof outer->ip);
    outer->geneve.protocol = bpf_htons(args->eth_proto);
}

/* 0 if the frame's linear part ends before the last option. */
static __always_inline int glb_encap_options(struct xdp_md *ctx, const struct glb_target *target,
                                             const struct glb_endpoint *endpoint, __u32 cookie) {
    void *endpoint_at = glb_at_bytes(ctx, target->endpoint, sizeof endpoint->id);
    void *attachment_at = glb_at_bytes(ctx, target->attachment, sizeof endpoint->attachment);
    void *cookie_at = glb_at_bytes(ctx, target->cookie, sizeof cookie);

    if (!endpoint_at || !attachment_at || !cookie_at)
        return 0;
    glb_store64(endpoint_at, endpoint->id);
    glb_store64(attachment_at, endpoint->attachment);
    glb_store32(cookie_at, bpf_htonl(cookie));
    return 1;
}

/* Encapsulates the packet for the target. A redirect to the target's interface, or a drop. */
static __always_inline struct glb_verdict glb_encap(struct xdp_md *ctx, const struct glb_target *target,
                                                    const struct glb_endpoint *endpoint,
                                                    const struct glb_encap_args *args) {
    const __u32 len = target->header_len;
    const __u32 l3 = target->l3;
    const __u32 outer_len = len - l3 + args->inner_len;

    if (!(target->flags & GLB_TARGET_RESOLVED) || len < GLB_HEADER_MIN || len > GLB_HEADER_MAX)
        return glb_verdict_drop(GLB_DROP_NO_NEIGHBOUR);
    if (outer_len > target->mtu)
        return glb_verdict_drop(GLB_DROP_TOO_BIG);
    if (glb_trim(ctx, args->l2_len + args->inner_len, glb_frame_len(ctx)))
        return glb_verdict_drop(GLB_DROP_MALFORMED);
    if (bpf_xdp_adjust_head(ctx, (int)args->l2_len - (int)len))
        return glb_verdict_drop(GLB_DROP_NO_HEADROOM);

    if (!glb_header_copy(ctx, target, len))
        return glb_verdict_drop(GLB_DROP_SHORT_LINEAR);
    struct glb_outer *outer = glb_at(ctx, l3, struct glb_outer);
    if (!outer)
        return glb_verdict_drop(GLB_DROP_SHORT_LINEAR);
    glb_encap_outer(outer, target, args, outer_len);
    if (!glb_encap_options(ctx, target, endpoint, args->cookie))
        return glb_verdict_drop(GLB_DROP_SHORT_LINEAR);
    return glb_verdict_redirect(target->ifindex, GLB_COUNT_ENCAPSULATED);
}

#endif
