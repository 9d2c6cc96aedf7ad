/* SPDX-License-Identifier: GPL-2.0 */
/* Return traffic: the sender's row, and the GENEVE header with its options as bounded TLVs (RFC 8926,
 * section 3.5). */
#ifndef GLB_TUNNEL_DECODE_H
#define GLB_TUNNEL_DECODE_H

#include "abi/probe.h"
#include "maps/config.h"
#include "parse/l4.h"
#include "pipeline/context.h"
#include "pipeline/verdict.h"
#include "tunnel/geneve.h"

#define GLB_OPTION_WORDS 63 /* the length field has six bits */

/* The sender's row, NULL if the address belongs to no target. */
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
 * Walks the options from `offset` to `end`, in any order. The critical bit is part of the type. An unknown
 * option is skipped, unless it is critical. 0, or glb_error(). Global, so that it is verified once.
 */
__noinline int glb_parse_options(struct xdp_md *ctx, __u32 offset, __u32 end, struct glb_return_info *info) {
    __u32 seen = 0;
    if (!info)
        return glb_error(GLB_DROP_GENEVE_OPTIONS);
    for (int i = 0; i < GLB_OPTION_WORDS; i++) {
        if (offset >= end)
            break;
        const struct glb_geneve_option *option = glb_at(ctx, offset, struct glb_geneve_option);
        if (offset + sizeof *option > end || !option)
            return glb_error(GLB_DROP_GENEVE_OPTIONS);
        const __u32 len = (option->len & 0x1f) * 4;
        const int aws = option->option_class == bpf_htons(GLB_GENEVE_CLASS_AWS);
        const __u32 type = option->type;
        offset += sizeof *option;
        if (offset + len > end)
            return glb_error(GLB_DROP_GENEVE_OPTIONS);
        if (aws && type == GLB_GENEVE_OPTION_ENDPOINT && len == 8) {
            const __be32 *value = glb_at_bytes(ctx, offset, 8);
            if (!value)
                return glb_error(GLB_DROP_GENEVE_OPTIONS);
            info->endpoint_id = ((__u64)bpf_ntohl(value[0]) << 32) | bpf_ntohl(value[1]);
            seen |= GLB_OPTION_SEEN_ENDPOINT;
        } else if (aws && type == GLB_GENEVE_OPTION_COOKIE && len == 4) {
            const __be32 *value = glb_at_bytes(ctx, offset, 4);
            if (!value)
                return glb_error(GLB_DROP_GENEVE_OPTIONS);
            info->cookie = bpf_ntohl(value[0]);
            seen |= GLB_OPTION_SEEN_COOKIE;
        } else if (type & GLB_GENEVE_CRITICAL) {
            return glb_error(GLB_DROP_GENEVE_CRITICAL);
        }
        offset += len;
    }
    return seen == (GLB_OPTION_SEEN_ENDPOINT | GLB_OPTION_SEEN_COOKIE) ? 0
                                                                       : glb_error(GLB_DROP_GENEVE_MISSING);
}

/*
 * Parses the outer UDP header at `udp_offset` and the GENEVE header behind it. `end` is the end of the outer
 * IP packet. 0, or glb_error(). The UDP checksum is not verified, since some appliances send invalid ones.
 */
static __always_inline int glb_parse_geneve(struct xdp_md *ctx, __u32 udp_offset, __u32 end,
                                            struct glb_return_info *info) {
    const struct glb_udp *udp = glb_at(ctx, udp_offset, struct glb_udp);
    if (!udp)
        return glb_error(GLB_DROP_OUTER_MALFORMED);
    const __u32 udp_len = bpf_ntohs(udp->len);
    const __u32 offset = udp_offset + sizeof *udp;
    if (udp_len < sizeof *udp + GLB_GENEVE_BASE || udp_offset + udp_len > end)
        return glb_error(GLB_DROP_OUTER_MALFORMED);
    info->payload_end = udp_offset + udp_len;

    const struct glb_geneve *geneve = glb_at(ctx, offset, struct glb_geneve);
    if (!geneve)
        return glb_error(GLB_DROP_SHORT_LINEAR);
    const __u32 options = (geneve->version_optlen & 0x3f) * 4;
    if (geneve->version_optlen >> 6)
        return glb_error(GLB_DROP_GENEVE_VERSION);
    if (geneve->flags & GLB_GENEVE_O)
        return glb_error(GLB_DROP_GENEVE_CONTROL);
    info->inner_proto = bpf_ntohs(geneve->protocol);
    info->inner_offset = offset + sizeof *geneve + options;
    if (info->inner_offset > info->payload_end)
        return glb_error(GLB_DROP_GENEVE_OPTIONS);
    const int error = glb_parse_options(ctx, offset + sizeof *geneve, info->inner_offset, info);
    if (error)
        return error;
    if (info->inner_proto != GLB_ETH_IP && info->inner_proto != GLB_ETH_IPV6)
        return glb_error(GLB_DROP_GENEVE_PROTOCOL);
    return 0;
}

#endif
