/* SPDX-License-Identifier: GPL-2.0 */
/* Return traffic, outside in: the sender, then the GENEVE header as bounded TLVs (RFC 8926, section 3.5). */
#ifndef GLB_DECAP_OUTER_H
#define GLB_DECAP_OUTER_H

#include "abi/probe.h"
#include "maps.h"
#include "parse/ethernet.h"
#include "parse/l4.h"
#include "tunnel/geneve.h"

#define GLB_OPTION_WORDS 63 /* six bits of length */

/* What a returned packet says of itself. */
struct glb_return_info {
    __u64 endpoint_id; /* host order */
    __u32 cookie;
    __u32 inner_offset;
    __u32 inner_proto; /* host order */
    __u32 carried;     /* bytes of the frame up to the end of the UDP payload: bounds the inner packet */
    __u32 address_id;  /* of the sender */
    __u32 outer_tos;
};

/* The sender's row, NULL where the address is no target's. */
static __always_inline const struct glb_sender *glb_sender_find(__u32 bank, __be32 address) {
    const __u64 key = GLB_SENDER_KEY(address);
#pragma unroll
    for (__u32 probe = 0; probe < GLB_PROBES; probe++) {
        const __u32 row = bank * GLB_SENDER_SLOTS + glb_probe_slot(key, probe, GLB_SENDER_SLOTS);
        const struct glb_sender *sender = bpf_map_lookup_elem(&glb_senders, &row);
        if (sender && sender->key == key)
            return sender;
    }
    return 0;
}

#define GLB_OPTION_SEEN_ENDPOINT 1
#define GLB_OPTION_SEEN_COOKIE 2

/*
 * Walks the options from `offset` to `end`, in any order. The type's critical bit makes it another type; an
 * unknown option is skipped unless it is critical. 0, or a drop reason + 1.
 */
__noinline int glb_parse_options(struct xdp_md *ctx, __u32 offset, __u32 end,
                                 struct glb_return_info *returned) {
    __u32 seen = 0;
    if (!returned)
        return GLB_DROP_GENEVE_OPTIONS + 1;
    for (int i = 0; i < GLB_OPTION_WORDS; i++) {
        if (offset >= end)
            break;
        const struct glb_geneve_option *option = glb_at(ctx, offset, struct glb_geneve_option);
        if (offset + sizeof *option > end || !option)
            return GLB_DROP_GENEVE_OPTIONS + 1;
        const __u32 len = (option->len & 0x1f) * 4;
        const int aws = option->option_class == bpf_htons(GLB_GENEVE_CLASS_AWS);
        const __u32 type = option->type;
        offset += sizeof *option;
        if (offset + len > end)
            return GLB_DROP_GENEVE_OPTIONS + 1;
        if (aws && type == GLB_GENEVE_OPTION_ENDPOINT && len == 8) {
            const __be32 *value = glb_at_bytes(ctx, offset, 8);
            if (!value)
                return GLB_DROP_GENEVE_OPTIONS + 1;
            returned->endpoint_id = ((__u64)bpf_ntohl(value[0]) << 32) | bpf_ntohl(value[1]);
            seen |= GLB_OPTION_SEEN_ENDPOINT;
        } else if (aws && type == GLB_GENEVE_OPTION_COOKIE && len == 4) {
            const __be32 *value = glb_at_bytes(ctx, offset, 4);
            if (!value)
                return GLB_DROP_GENEVE_OPTIONS + 1;
            returned->cookie = bpf_ntohl(value[0]);
            seen |= GLB_OPTION_SEEN_COOKIE;
        } else if (type & GLB_GENEVE_CRITICAL) {
            return GLB_DROP_GENEVE_CRITICAL + 1;
        }
        offset += len;
    }
    return seen == (GLB_OPTION_SEEN_ENDPOINT | GLB_OPTION_SEEN_COOKIE) ? 0 : GLB_DROP_GENEVE_MISSING + 1;
}

/*
 * The GENEVE header behind the outer UDP header. `end` is where the outer IP packet ends. 0, or a drop
 * reason + 1. The UDP checksum is not checked: some appliances send garbage there.
 */
static __always_inline int glb_parse_geneve(struct xdp_md *ctx, __u32 udp_offset, __u32 end,
                                            struct glb_return_info *returned) {
    const struct glb_udp *udp = glb_at(ctx, udp_offset, struct glb_udp);
    if (!udp)
        return GLB_DROP_OUTER_MALFORMED + 1;
    const __u32 udp_len = bpf_ntohs(udp->len);
    const __u32 offset = udp_offset + sizeof *udp;
    if (udp_len < sizeof *udp + GLB_GENEVE_BASE || udp_offset + udp_len > end)
        return GLB_DROP_OUTER_MALFORMED + 1;
    returned->carried = udp_offset + udp_len;

    const struct glb_geneve *geneve = glb_at(ctx, offset, struct glb_geneve);
    if (!geneve)
        return GLB_DROP_SHORT_LINEAR + 1;
    const __u32 options = (geneve->version_optlen & 0x3f) * 4;
    if (geneve->version_optlen >> 6)
        return GLB_DROP_GENEVE_VERSION + 1;
    if (geneve->flags & GLB_GENEVE_O)
        return GLB_DROP_GENEVE_CONTROL + 1;
    returned->inner_proto = bpf_ntohs(geneve->protocol);
    returned->inner_offset = offset + sizeof *geneve + options;
    if (returned->inner_offset > returned->carried)
        return GLB_DROP_GENEVE_OPTIONS + 1;
    const int refused = glb_parse_options(ctx, offset + sizeof *geneve, returned->inner_offset, returned);
    if (refused)
        return refused;
    if (returned->inner_proto != GLB_ETH_IP && returned->inner_proto != GLB_ETH_IPV6)
        return GLB_DROP_GENEVE_PROTOCOL + 1;
    return 0;
}

#endif
