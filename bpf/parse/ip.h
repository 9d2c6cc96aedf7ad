/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IPv4 (RFC 791) and IPv6 with extension headers (RFC 8200). Lengths are taken from the IP header, never from
 * the end of the frame, since the frame may end in Ethernet padding.
 */
#ifndef GLB_PARSE_IP_H
#define GLB_PARSE_IP_H

#include "lib/words.h"
#include "parse/l4.h"

#define GLB_IPV6_EXTENSIONS 8 /* a longer chain is malformed */

static __always_inline int glb_parse_ipv4(struct xdp_md *ctx, __u32 offset, __u32 frame_len,
                                          struct glb_packet *packet) {
    const struct glb_ipv4 *ip = glb_at(ctx, offset, struct glb_ipv4);
    if (!ip)
        return offset + sizeof *ip > frame_len ? GLB_PARSE_MALFORMED : GLB_PARSE_SHORT;
    const __u32 header = (ip->version_ihl & 0xf) * 4;
    const __u32 len = bpf_ntohs(ip->len);
    if (ip->version_ihl >> 4 != 4 || header < sizeof *ip || len < header || offset + len > frame_len)
        return GLB_PARSE_MALFORMED;
    packet->family = 4;
    packet->l3_len = len;
    packet->ip_proto = ip->ip_proto;
    packet->tos = ip->tos;
    packet->route_bits = (__u16)((ip->tos & 0xfc) << 8);
    packet->ttl = ip->ttl;
    packet->saddr[0] = ip->source;
    packet->daddr[0] = ip->destination;
    if (glb_unlikely(ip->fragment & bpf_htons(GLB_IPV4_FRAGMENT))) {
        if (!(ip->fragment & bpf_htons(GLB_IPV4_OFFSET)) && len - header < glb_transport_len(ip->ip_proto))
            return GLB_PARSE_MALFORMED;
        packet->flags |= GLB_PKT_FRAGMENT;
        return GLB_PARSE_OK;
    }
    return glb_parse_l4(ctx, offset + header, len - header, packet);
}

static __always_inline int glb_is_extension(__u32 next) {
    return next == GLB_IPPROTO_HOPOPTS || next == GLB_IPPROTO_ROUTING || next == GLB_IPPROTO_DSTOPTS ||
           next == GLB_IPPROTO_FRAGMENT;
}

/*
 * Walks the extension headers from `offset`, at most to `end`. Returns the offset of the upper-layer header,
 * of a fragment that of its first header, or a negative glb_parse_result. Updates packet->ip_proto, and
 * packet->flags for a fragment. The protocol of fragments is that of the fragmentable part's first header,
 * which all of them have. A first fragment must hold the whole chain and the transport header (RFC 7112).
 * Global, so that it is verified once.
 */
__noinline int glb_parse_extensions(struct xdp_md *ctx, __u32 offset, __u32 end, struct glb_packet *packet) {
    if (!packet)
        return -GLB_PARSE_MALFORMED;
    const __u32 last = offset + GLB_MAX_EXTENSION_BYTES;
    __u32 next = packet->ip_proto;
    int first_fragment = 0;

    for (int i = 0; i <= GLB_IPV6_EXTENSIONS; i++) {
        if (!glb_is_extension(next)) {
            if (offset > last)
                return -GLB_PARSE_SHORT;
            if (first_fragment)
                return offset + glb_transport_len(next) > end ? -GLB_PARSE_MALFORMED : (int)offset;
            packet->ip_proto = next;
            return offset;
        }
        const __u8 *header = glb_at_bytes(ctx, offset, 8);
        if (i == GLB_IPV6_EXTENSIONS || offset + 8 > end)
            return -GLB_PARSE_MALFORMED;
        if (!header)
            return -GLB_PARSE_SHORT;
        __u32 len = ((__u32)header[1] + 1) * 8;
        if (next == GLB_IPPROTO_FRAGMENT) {
            /* An atomic fragment (RFC 6946) is a whole packet: offset 0, no more fragments. */
            const __u32 fragment = (((__u32)header[2] << 8) | header[3]) & 0xfff9;
            if (fragment && !first_fragment) {
                packet->ip_proto = header[0];
                packet->flags |= GLB_PKT_FRAGMENT;
                if (fragment > 1)
                    return offset;
                first_fragment = 1;
            }
            len = 8;
        }
        next = header[0];
        offset += len;
        if (offset > end)
            return -GLB_PARSE_MALFORMED;
    }
    return -GLB_PARSE_MALFORMED;
}

static __always_inline int glb_parse_ipv6(struct xdp_md *ctx, __u32 offset, __u32 frame_len,
                                          struct glb_packet *packet) {
    const struct glb_ipv6 *ip = glb_at(ctx, offset, struct glb_ipv6);
    if (!ip)
        return offset + sizeof *ip > frame_len ? GLB_PARSE_MALFORMED : GLB_PARSE_SHORT;
    const __u32 len = sizeof *ip + bpf_ntohs(ip->payload_len);
    /* l3_len has 16 bits. */
    if (ip->version_class >> 4 != 6 || offset + len > frame_len || len > 0xffff)
        return GLB_PARSE_MALFORMED;
    packet->family = 6;
    packet->l3_len = len;
    packet->ip_proto = ip->next_header;
    packet->tos = (ip->version_class << 4) | (ip->class_flow >> 4);
    /* Without version and ECN; multiplied by 2^32 / phi, which spreads them. */
    packet->route_bits = ((*(const glb_word32 *)ip & bpf_htonl(0x0fcfffff)) * 0x9e3779b1u) >> 16;
    packet->ttl = ip->hop_limit;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        packet->saddr[i] = ip->source[i];
        packet->daddr[i] = ip->destination[i];
    }
    __u32 upper = offset + sizeof *ip;
    const __u32 next = ip->next_header;
    if (glb_unlikely(glb_is_extension(next))) {
        const int found = glb_parse_extensions(ctx, upper, offset + len, packet);
        if (found < 0)
            return -found;
        if (packet->flags & GLB_PKT_FRAGMENT)
            return GLB_PARSE_OK;
        upper = found;
    }
    if (upper > offset + len)
        return GLB_PARSE_MALFORMED;
    return glb_parse_l4(ctx, upper, offset + len - upper, packet);
}

/*
 * Parses the IP packet at `offset` into `packet`, which must be zero. `frame_len` bounds the length in its
 * header. An enum glb_parse_result.
 */
static __always_inline int glb_parse_ip(struct xdp_md *ctx, __u32 offset, __u32 eth_proto, __u32 frame_len,
                                        struct glb_packet *packet) {
    packet->eth_proto = eth_proto;
    if (eth_proto == GLB_ETH_IP)
        return glb_parse_ipv4(ctx, offset, frame_len, packet);
    return glb_parse_ipv6(ctx, offset, frame_len, packet);
}

#endif
