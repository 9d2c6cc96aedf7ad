/* SPDX-License-Identifier: GPL-2.0 */
/* Ports, TCP flags, ICMP echo identifiers, and the packet quoted by an ICMP error. */
#ifndef GLB_PARSE_L4_H
#define GLB_PARSE_L4_H

#include "parse/cursor.h"
#include "parse/packet.h"

struct glb_ports_header {
    __be16 source;
    __be16 destination;
};

struct glb_tcp {
    __be16 source, destination;
    __be32 seq, ack;
    __u8 offset; /* upper four bits, in words */
    __u8 flags;
    __be16 window;
    __be16 check;
    __be16 urgent;
};

struct glb_udp {
    __be16 source, destination, len, check;
};

struct glb_icmp {
    __u8 type, code;
    __be16 check;
    __be16 id, seq;
};

struct glb_ipv4 {
    __u8 version_ihl;
    __u8 tos;
    __be16 len;
    __be16 id;
    __be16 fragment;
    __u8 ttl;
    __u8 ip_proto;
    __be16 check;
    __be32 source;
    __be32 destination;
};

struct glb_ipv6 {
    __u8 version_class;
    __u8 class_flow;
    __be16 flow;
    __be16 payload_len;
    __u8 next_header;
    __u8 hop_limit;
    __u32 source[4];
    __u32 destination[4];
};

#define GLB_IPV4_FRAGMENT 0x3fff /* the more-fragments bit and the offset */
#define GLB_IPV4_OFFSET 0x1fff

static __always_inline int glb_has_ports(__u32 ip_proto) {
    return ip_proto == GLB_IPPROTO_TCP || ip_proto == GLB_IPPROTO_UDP || ip_proto == GLB_IPPROTO_SCTP ||
           ip_proto == GLB_IPPROTO_UDPLITE;
}

/* Bytes of a transport header that the first fragment of a packet must hold; 0: not known. */
static __always_inline __u32 glb_transport_len(__u32 ip_proto) {
    if (ip_proto == GLB_IPPROTO_TCP)
        return sizeof(struct glb_tcp);
    return glb_has_ports(ip_proto) || ip_proto == GLB_IPPROTO_ICMP || ip_proto == GLB_IPPROTO_ICMPV6 ? 8 : 0;
}

static __always_inline int glb_icmp4_is_error(__u32 type) {
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/*
 * Ports of the quoted transport header. An error quotes at least its first 8 bytes (RFC 792). 0 if the flow
 * has ports that cannot be read.
 */
static __always_inline int glb_quote_ports(struct xdp_md *ctx, __u32 offset, __u32 end,
                                           struct glb_packet *packet) {
    const int is_echo =
        packet->quoted_proto == GLB_IPPROTO_ICMP || packet->quoted_proto == GLB_IPPROTO_ICMPV6;
    if (!is_echo && !glb_has_ports(packet->quoted_proto))
        return 1;
    if (offset + 8 > end)
        return 0;
    if (is_echo) {
        const struct glb_icmp *icmp = glb_at(ctx, offset, struct glb_icmp);
        if (!icmp)
            return 0;
        packet->sport = icmp->id;
        packet->dport = icmp->id;
        return 1;
    }
    const struct glb_ports_header *ports = glb_at(ctx, offset, struct glb_ports_header);
    if (!ports)
        return 0;
    packet->sport = ports->source;
    packet->dport = ports->destination;
    return 1;
}

/* The quoted packet's addresses, protocol and ports: 1 if they name its flow. */
static __always_inline int glb_quote_flow(struct xdp_md *ctx, __u32 offset, __u32 end,
                                          struct glb_packet *packet) {
    if (packet->family == 4) {
        const struct glb_ipv4 *ip = glb_at(ctx, offset, struct glb_ipv4);
        if (!ip || offset + sizeof *ip > end || ip->version_ihl >> 4 != 4 || (ip->version_ihl & 0xf) < 5)
            return 0;
        packet->flow_saddr[0] = ip->source;
        packet->flow_daddr[0] = ip->destination;
        packet->quoted_proto = ip->ip_proto;
        if (ip->fragment & bpf_htons(GLB_IPV4_FRAGMENT))
            return 0;
        return glb_quote_ports(ctx, offset + (ip->version_ihl & 0xf) * 4, end, packet);
    }
    const struct glb_ipv6 *ip = glb_at(ctx, offset, struct glb_ipv6);
    if (!ip || offset + sizeof *ip > end || ip->version_class >> 4 != 6)
        return 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        packet->flow_saddr[i] = ip->source[i];
        packet->flow_daddr[i] = ip->destination[i];
    }
    packet->quoted_proto = ip->next_header;
    return glb_quote_ports(ctx, offset + sizeof *ip, end, packet);
}

/*
 * The tuple of the packet quoted by an ICMP error. `offset` is that of the quoted IP header, `end` the end of
 * the error's own IP packet. An error without a readable quote has its own addresses and protocol. Global, so
 * that it is verified once.
 */
__noinline int glb_parse_quote(struct xdp_md *ctx, __u32 offset, __u32 end, struct glb_packet *packet) {
    if (!packet)
        return GLB_PARSE_MALFORMED;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        packet->flow_saddr[i] = packet->saddr[i];
        packet->flow_daddr[i] = packet->daddr[i];
    }
    packet->quoted_proto = packet->ip_proto;
    packet->flags |= GLB_PKT_ICMP_ERROR;
    if (!glb_quote_flow(ctx, offset, end, packet))
        packet->flags |= GLB_PKT_NO_QUOTE;
    return GLB_PARSE_OK;
}

/*
 * Parses the transport header at `offset`; `len` bytes from there belong to the IP packet. A truncated or
 * inconsistent header is malformed. Protocols without ports need no header.
 */
static __always_inline int glb_parse_l4(struct xdp_md *ctx, __u32 offset, __u32 len,
                                        struct glb_packet *packet) {
    if (packet->ip_proto == GLB_IPPROTO_TCP) {
        if (len < sizeof(struct glb_tcp))
            return GLB_PARSE_MALFORMED;
        const struct glb_tcp *tcp = glb_at(ctx, offset, struct glb_tcp);
        if (!tcp)
            return GLB_PARSE_SHORT;
        const __u32 header = (tcp->offset >> 4) * 4;
        if (header < sizeof *tcp || header > len)
            return GLB_PARSE_MALFORMED;
        packet->sport = tcp->source;
        packet->dport = tcp->destination;
        packet->tcp_flags = tcp->flags;
        packet->l4_words = (__u8)((packet->l3_len - len) / 4);
        packet->flags |= GLB_PKT_TCP | (len > header ? GLB_PKT_PAYLOAD : 0);
        return GLB_PARSE_OK;
    }
    if (packet->ip_proto == GLB_IPPROTO_UDP) {
        if (len < sizeof(struct glb_udp))
            return GLB_PARSE_MALFORMED;
        const struct glb_udp *udp = glb_at(ctx, offset, struct glb_udp);
        if (!udp)
            return GLB_PARSE_SHORT;
        const __u32 udp_len = bpf_ntohs(udp->len);
        if (udp_len > len || (udp_len < sizeof *udp && udp_len))
            return GLB_PARSE_MALFORMED;
        packet->sport = udp->source;
        packet->dport = udp->destination;
        return GLB_PARSE_OK;
    }
    if (packet->ip_proto == GLB_IPPROTO_SCTP || packet->ip_proto == GLB_IPPROTO_UDPLITE) {
        const struct glb_ports_header *ports = glb_at(ctx, offset, struct glb_ports_header);
        if (len < 8)
            return GLB_PARSE_MALFORMED;
        if (!ports)
            return GLB_PARSE_SHORT;
        packet->sport = ports->source;
        packet->dport = ports->destination;
        return GLB_PARSE_OK;
    }
    const int icmp4 = packet->family == 4 && packet->ip_proto == GLB_IPPROTO_ICMP;
    const int icmp6 = packet->family == 6 && packet->ip_proto == GLB_IPPROTO_ICMPV6;
    if (icmp4 || icmp6) {
        if (len < sizeof(struct glb_icmp))
            return GLB_PARSE_MALFORMED;
        const struct glb_icmp *icmp = glb_at(ctx, offset, struct glb_icmp);
        if (!icmp)
            return GLB_PARSE_SHORT;
        const __u32 type = icmp->type;
        if (icmp4 ? type == 0 || type == 8 : type == 128 || type == 129) {
            packet->sport = icmp->id;
            packet->dport = icmp->id;
        } else if (icmp4 ? glb_icmp4_is_error(type) : type < 128) {
            return glb_parse_quote(ctx, offset + sizeof *icmp, offset + len, packet);
        } else if (icmp6) {
            packet->dport = bpf_htons(type);
        }
    }
    return GLB_PARSE_OK;
}

#endif
