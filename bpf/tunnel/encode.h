/* SPDX-License-Identifier: GPL-2.0 */
/* Encapsulation: 68 bytes of outer IPv4, UDP and GENEVE, from the target's row. */
#ifndef GLB_TUNNEL_ENCODE_H
#define GLB_TUNNEL_ENCODE_H

#include "abi/config.h"
#include "lib/checksum.h"
#include "lib/frame.h"
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

struct glb_outer {
    struct glb_ipv4 ip;
    struct glb_udp udp;
    struct glb_geneve_aws geneve;
} __attribute__((packed));

_Static_assert(sizeof(struct glb_outer) == GLB_ENCAP_BYTES,
               "the encapsulation overhead is part of the interface");

static __always_inline void glb_encap_outer(struct glb_outer *outer, const struct glb_target *target,
                                            const struct glb_endpoint *endpoint,
                                            const struct glb_encap_args *args) {
    const __u32 total = GLB_ENCAP_BYTES + args->inner_len;
    const __u32 ecn = args->tos & 3; /* RFC 6040 normal mode; DSCP 0 */

    outer->ip.version_ihl = 0x45;
    outer->ip.tos = ecn;
    outer->ip.len = bpf_htons(total);
    outer->ip.id = 0;
    outer->ip.fragment = bpf_htons(0x4000); /* DF */
    outer->ip.ttl = 64;
    outer->ip.ip_proto = GLB_IPPROTO_UDP;
    outer->ip.source = target->source;
    outer->ip.destination = target->destination;
    outer->ip.check = glb_sum_fold(target->ip_sum + bpf_htons(total) + bpf_htons(ecn));
    outer->udp.source = bpf_htons(args->entropy_port);
    outer->udp.destination = target->port;
    outer->udp.len = bpf_htons(total - GLB_OUTER_IP_BYTES);
    outer->udp.check = 0;

    struct glb_geneve_aws *geneve = &outer->geneve;
    geneve->base.version_optlen = 8;
    geneve->base.flags = 0;
    geneve->base.protocol = bpf_htons(args->eth_proto);
    geneve->base.vni[0] = 0;
    geneve->base.vni[1] = 0;
    geneve->base.vni[2] = 0;
    geneve->base.reserved = 0;
    geneve->endpoint_option.option_class = bpf_htons(GLB_GENEVE_CLASS_AWS);
    geneve->endpoint_option.type = GLB_GENEVE_OPTION_ENDPOINT;
    geneve->endpoint_option.len = 2;
    geneve->endpoint = endpoint->id;
    geneve->attachment_option.option_class = bpf_htons(GLB_GENEVE_CLASS_AWS);
    geneve->attachment_option.type = GLB_GENEVE_OPTION_ATTACHMENT;
    geneve->attachment_option.len = 2;
    geneve->attachment = endpoint->attachment;
    geneve->cookie_option.option_class = bpf_htons(GLB_GENEVE_CLASS_AWS);
    geneve->cookie_option.type = GLB_GENEVE_OPTION_COOKIE;
    geneve->cookie_option.len = 1;
    geneve->cookie = bpf_htonl(args->cookie);
}

/* Encapsulates the packet for the target. A redirect to the target's interface, or a drop. */
static __always_inline struct glb_verdict glb_encap(struct xdp_md *ctx, const struct glb_target *target,
                                                    const struct glb_endpoint *endpoint,
                                                    const struct glb_encap_args *args) {
    if (!(target->flags & GLB_TARGET_RESOLVED))
        return glb_verdict_drop(GLB_DROP_NO_NEIGHBOUR);
    if (GLB_ENCAP_BYTES + args->inner_len > target->mtu)
        return glb_verdict_drop(GLB_DROP_TOO_BIG);
    if (glb_trim(ctx, args->l2_len + args->inner_len, glb_frame_len(ctx)))
        return glb_verdict_drop(GLB_DROP_MALFORMED);

    const __u32 l2_len = target->l2_len;
    if (bpf_xdp_adjust_head(ctx, (int)args->l2_len - (int)(l2_len + GLB_ENCAP_BYTES)))
        return glb_verdict_drop(GLB_DROP_NO_HEADROOM);
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;

    /* One bounds check, for the longest Ethernet header. */
    struct glb_outer *outer = data + GLB_ETH_LEN;
    if (data + 24 + GLB_ENCAP_BYTES > end)
        return glb_verdict_drop(GLB_DROP_SHORT_LINEAR);
    __builtin_memcpy(data, target->l2, GLB_ETH_LEN);
    if (l2_len > GLB_ETH_LEN) {
        __builtin_memcpy(data + GLB_ETH_LEN, target->l2 + GLB_ETH_LEN, GLB_VLAN_LEN);
        outer = data + GLB_ETH_LEN + GLB_VLAN_LEN;
        if (l2_len > GLB_ETH_LEN + GLB_VLAN_LEN) {
            __builtin_memcpy(data + GLB_ETH_LEN + GLB_VLAN_LEN, target->l2 + GLB_ETH_LEN + GLB_VLAN_LEN,
                             GLB_VLAN_LEN);
            outer = data + GLB_ETH_LEN + 2 * GLB_VLAN_LEN;
        }
    }
    glb_encap_outer(outer, target, endpoint, args);
    return glb_verdict_redirect(target->ifindex, GLB_COUNT_ENCAPSULATED);
}

#endif
