/* SPDX-License-Identifier: GPL-2.0 */
/* The results of parsing. Later stages read the packet through these, and its bytes only where they rewrite
 * them. */
#ifndef GLB_PARSE_PACKET_H
#define GLB_PARSE_PACKET_H

#include "lib/bpf.h"
#include "lib/hash.h"
#include "lib/tcp.h"

enum glb_packet_flags {
    GLB_PKT_FRAGMENT = 1,   /* any fragment: keyed by addresses and protocol */
    GLB_PKT_ICMP_ERROR = 2, /* keyed by the packet it quotes */
    GLB_PKT_TCP = 4,        /* tcp_flags and l4_words are valid */
    GLB_PKT_PAYLOAD = 8,    /* TCP: data after the header */
    GLB_PKT_NO_QUOTE = 16,  /* ICMP error whose quote is too short to name its flow */
};

/*
 * An IP packet. Written by glb_parse_ip(); the rewriting stages update l3_len and tos when they change the
 * header. Lengths in bytes; addresses and ports in network order.
 */
struct glb_packet {
    __u32 saddr[4]; /* IPv4: word 0, the rest 0 */
    __u32 daddr[4];
    __u16 sport; /* ICMP echo: the identifier, in both; 0 for protocols without ports */
    __u16 dport;
    __u16 l3_len;    /* of the IP packet, header included */
    __u16 eth_proto; /* host order */
    __u8 ip_proto;   /* upper-layer protocol */
    __u8 family;     /* 4 or 6 */
    __u8 tos;
    __u8 ttl;
    __u8 tcp_flags;
    __u8 flags;
    __u8 quoted_proto; /* ICMP error: protocol of the quoted packet */
    __u8 l4_words;     /* TCP: offset of its header from the IP header, in 32-bit words */
    /* ICMP error: addresses of the quoted packet; of the error itself if they cannot be read. */
    __u32 flow_saddr[4];
    __u32 flow_daddr[4];
    __u16 route_bits; /* DSCP and flow label, folded: with them the packet may have another route */
    __u8 pad[2];
};

/* Which of the packet's addresses is meant. */
enum glb_packet_end { GLB_PACKET_SOURCE = 0, GLB_PACKET_DESTINATION };

/* A frame's Ethernet header and tags. Written by glb_parse_ethernet(). */
struct glb_frame {
    __u32 l2_len;
    __u32 vlan[2];   /* ids, outer first; 0: no tag */
    __u32 eth_proto; /* behind the tags, host order */
};

enum glb_parse_result {
    GLB_PARSE_OK = 0,
    GLB_PARSE_MALFORMED = 1,
    GLB_PARSE_SHORT = 2, /* a header lies beyond the linear part of the frame */
};

/* The tuple in canonical order. Returns the orientation: 0 if the source is tuple->low, else 1. */
static __always_inline __u32 glb_tuple_from(const struct glb_packet *packet, struct glb_tuple *tuple) {
    const int error = packet->flags & GLB_PKT_ICMP_ERROR;
    const __u32 *source = error ? packet->flow_saddr : packet->saddr;
    const __u32 *destination = error ? packet->flow_daddr : packet->daddr;
    int order = 0; /* < 0: source before destination */

#pragma unroll
    for (int i = 0; i < 4; i++)
        if (!order && source[i] != destination[i])
            order = source[i] < destination[i] ? -1 : 1;
    if (!order)
        order = packet->sport <= packet->dport ? -1 : 1;

    const int swap = order > 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        tuple->low[i] = swap ? destination[i] : source[i];
        tuple->high[i] = swap ? source[i] : destination[i];
    }
    tuple->low_port = swap ? packet->dport : packet->sport;
    tuple->high_port = swap ? packet->sport : packet->dport;
    tuple->ip_proto = error ? packet->quoted_proto : packet->ip_proto;
    tuple->family = packet->family;
    tuple->pad = 0;
    return swap;
}

#endif
