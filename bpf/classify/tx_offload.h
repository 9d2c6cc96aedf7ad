/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets whose TCP or UDP checksum their sender has left to its device, which a veth or a virtual machine's device
 * never computes. The field then holds the sum of the pseudo-header alone. The kernel knows so of its own packets; in a
 * tunnel the packet is only bytes, and appliances and hosts drop it.
 */
#ifndef GLB_CLASSIFY_TX_OFFLOAD_H
#define GLB_CLASSIFY_TX_OFFLOAD_H

#include "lib/tcp.h"
#include "parse/l4.h"
#include "parse/pseudo_header.h"
#include "telemetry/events.h"

/* The longest transport header and payload that is examined: every SYN, and short datagrams. */
#define GLB_TX_OFFLOAD_BYTES 128

/* Length of the IP header at `offset`; 0 if the transport header does not follow it. */
static __always_inline __u32 glb_plain_ip_len(struct xdp_md *ctx, const struct glb_packet *packet,
                                              __u32 offset) {
    if (packet->family == 4) {
        const struct glb_ipv4 *ip = glb_at(ctx, offset, struct glb_ipv4);
        return ip ? (ip->version_ihl & 0xf) * 4 : 0;
    }
    const struct glb_ipv6 *ip = glb_at(ctx, offset, struct glb_ipv6);
    return ip && ip->next_header == packet->ip_proto ? sizeof *ip : 0;
}

/* The checksum field of a TCP segment with SYN or of a UDP datagram at `offset`; 0 of others. */
static __always_inline __u32 glb_transport_check(struct xdp_md *ctx, const struct glb_packet *packet,
                                                 __u32 offset) {
    if (packet->ip_proto == GLB_IPPROTO_TCP && packet->tcp_flags & GLB_TCP_SYN) {
        const struct glb_tcp *tcp = glb_at(ctx, offset, struct glb_tcp);
        return tcp ? tcp->check : 0;
    }
    if (packet->ip_proto == GLB_IPPROTO_UDP) {
        const struct glb_udp *udp = glb_at(ctx, offset, struct glb_udp);
        return udp ? udp->check : 0;
    }
    return 0;
}

/* Whether `len` bytes at `offset` have a right checksum, given the sum of their pseudo-header. True if they cannot be
 * read. */
static __always_inline int glb_transport_sum_ok(struct xdp_md *ctx, __u32 offset, __u32 len, __u32 sum) {
    __u32 words[GLB_TX_OFFLOAD_BYTES / 4] = {0};

    /* The barriers keep the checks apart: Linux 6.1 derives no bounds from the one that clang would make of them. */
    __asm__("" : "+r"(len));
    if (len < sizeof(struct glb_udp))
        return 1;
    __asm__("" : "+r"(len));
    if (len > sizeof words || bpf_xdp_load_bytes(ctx, offset, words, len))
        return 1;
    return glb_sum_fold(sum + glb_sum_words(words, GLB_TX_OFFLOAD_BYTES / 4)) == 0;
}

/*
 * Reports an endpoint's packet, whose IP header is at `offset`, if its checksum was left to a device. Of right checksums
 * one in 65,535 equals the sum of the pseudo-header too, hence the second sum. Global, so that it is verified once, and
 * with a stack of its own.
 */
__noinline int glb_tx_offload_check(struct xdp_md *ctx, const struct glb_packet *packet, __u32 offset,
                                    __u32 endpoint) {
    if (!packet || packet->flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR))
        return 0;
    const __u32 header = glb_plain_ip_len(ctx, packet, offset);
    if (!header || header > packet->l3_len)
        return 0;
    const __u32 len = packet->l3_len - header;
    const __u32 check = glb_transport_check(ctx, packet, offset + header);
    const __u32 sum = glb_pseudo_header_sum(packet, len);
    if (glb_likely(check != (__u16)~glb_sum_fold(sum)) ||
        glb_transport_sum_ok(ctx, offset + header, len, sum))
        return 0;
    const __u32 key[4] = {endpoint}; /* not the sender: of thousands, each would be reported */
    glb_event_report(GLB_EVENT_TX_OFFLOAD, ctx->ingress_ifindex, packet->family, key);
    return 1;
}

#endif
