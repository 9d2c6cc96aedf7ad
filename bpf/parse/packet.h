/* SPDX-License-Identifier: GPL-2.0 */
/* What parsing finds out about a packet: all that the later stages read. */
#ifndef GLB_PARSE_PACKET_H
#define GLB_PARSE_PACKET_H

#include "lib/bpf.h"
#include "lib/hash.h"

enum glb_packet_flags {
    GLB_PKT_FRAGMENT = 1,   /* any fragment: keyed by addresses and protocol */
    GLB_PKT_ICMP_ERROR = 2, /* keyed by the packet that it quotes */
    GLB_PKT_TCP = 4,        /* tcp_flags is valid */
    GLB_PKT_PAYLOAD = 8,    /* TCP: bytes behind the header */
};

#define GLB_TCP_FIN 0x01
#define GLB_TCP_SYN 0x02
#define GLB_TCP_RST 0x04
#define GLB_TCP_ACK 0x10

/* Offsets and lengths in bytes; addresses and ports as on the wire. */
struct glb_packet {
    __u32 saddr[4]; /* IPv4: word 0, the rest 0 */
    __u32 daddr[4];
    __u16 sport; /* ICMP echo: the identifier, in both; 0 where the protocol has none */
    __u16 dport;
    __u16 l3_len;    /* of the whole IP packet, from its header */
    __u16 eth_proto; /* host order */
    __u8 ip_proto;   /* upper-layer protocol */
    __u8 family;     /* 4 or 6 */
    __u8 tos;
    __u8 ttl;
    __u8 tcp_flags;
    __u8 flags;
    __u8 quoted_proto; /* of the flow that an ICMP error speaks about */
    __u8 pad;
    /* The flow's ends where they differ from the header's (ICMP errors). */
    __u32 flow_saddr[4];
    __u32 flow_daddr[4];
};

struct glb_frame {
    __u32 l2_len;
    __u32 vlan[2]; /* ids, outer first, 0 where there is none */
    __u32 eth_proto;
};

enum glb_parse_result {
    GLB_PARSE_OK = 0,
    GLB_PARSE_MALFORMED = 1,
    GLB_PARSE_SHORT = 2, /* the frame is longer than what lies in its linear part, and headers are beyond */
};

/* The tuple in canonical order; returns the orientation: 0 where the source is the lower end. */
static __always_inline __u32 glb_tuple_from(const struct glb_packet *packet, struct glb_tuple *tuple) {
    const int error = packet->flags & GLB_PKT_ICMP_ERROR;
    const __u32 *source = error ? packet->flow_saddr : packet->saddr;
    const __u32 *destination = error ? packet->flow_daddr : packet->daddr;
    int order = 0; /* < 0: the source is lower */

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
