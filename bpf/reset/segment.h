/* SPDX-License-Identifier: GPL-2.0 */
/* Segments that reset a connection, written over the packet that causes them. */
#ifndef GLB_RESET_SEGMENT_H
#define GLB_RESET_SEGMENT_H

#include "lib/checksum.h"
#include "lib/frame.h"
#include "parse/ethernet.h"
#include "parse/l4.h"
#include "parse/pseudo_header.h"

#define GLB_TCP_NO_OPTIONS 0x50 /* the data offset byte of a header without options */
#define GLB_ANSWER_TTL 64

/* The offset of the TCP header, behind IPv4 options or IPv6 extension headers. */
static __always_inline __u32 glb_tcp_offset(const struct glb_packet *packet, __u32 l2_len) {
    return l2_len + packet->l4_words * 4;
}

/*
 * The checksum of a header without options and data between the packet's addresses, in either direction. (Behind an
 * IPv6 routing header with segments left the pseudo-header has another destination; such a RST has a wrong checksum and
 * is discarded.)
 */
static __always_inline __u16 glb_tcp_header_check(const struct glb_packet *packet, struct glb_tcp tcp) {
    __u32 words[5];
    tcp.check = 0;
    __builtin_memcpy(words, &tcp, sizeof words);
    return glb_sum_fold(glb_pseudo_header_sum(packet, sizeof tcp) + glb_sum_words(words, 5));
}

_Static_assert(sizeof(struct glb_tcp) == 20, "no options");

/* Writes a new length into the IP header, and updates the IPv4 checksum. 0 if the header cannot be read. */
static __always_inline int glb_reset_set_length(struct xdp_md *ctx, const struct glb_packet *packet,
                                                __u32 l2_len, __u32 l3_len) {
    if (packet->family == 4) {
        struct glb_ipv4 *ip = glb_at(ctx, l2_len, struct glb_ipv4);
        if (!ip)
            return 0;
        const __be16 len = bpf_htons(l3_len);
        ip->check = glb_sum_update(ip->check, ip->len, len);
        ip->len = len;
        return 1;
    }
    struct glb_ipv6 *ip = glb_at(ctx, l2_len, struct glb_ipv6);
    if (!ip)
        return 0;
    ip->payload_len = bpf_htons(l3_len - sizeof *ip);
    return 1;
}

/*
 * Rewrites the packet to the RST for its far end: without options and data, with its own sequence number (of
 * a SYN the next one, which is expected), and with its ACK, which stateful middleboxes verify. For `probe` it
 * becomes a SYN-ACK. 0 if its headers cannot be read. Updates packet->l3_len.
 * Global, so that it is verified once.
 */
__noinline int glb_reset_rewrite(struct xdp_md *ctx, struct glb_packet *packet, __u32 l2_len, __u32 probe) {
    if (!packet)
        return 0;
    const __u32 at = glb_tcp_offset(packet, l2_len);
    struct glb_tcp *tcp = glb_at(ctx, at, struct glb_tcp);
    if (!tcp)
        return 0;
    struct glb_tcp header = {.source = tcp->source, .destination = tcp->destination, .seq = tcp->seq};
    if (tcp->flags & GLB_TCP_SYN)
        header.seq = bpf_htonl(bpf_ntohl(header.seq) + 1);
    if (tcp->flags & GLB_TCP_ACK)
        header.ack = tcp->ack;
    header.offset = GLB_TCP_NO_OPTIONS;
    header.flags = GLB_TCP_RST | (tcp->flags & GLB_TCP_ACK);
    if (probe) {
        header.flags = GLB_TCP_SYN | GLB_TCP_ACK;
        header.window = 0xffff;
    }
    header.check = glb_tcp_header_check(packet, header);
    *tcp = header;

    const __u32 l3_len = at - l2_len + sizeof header;
    if (!glb_reset_set_length(ctx, packet, l2_len, l3_len))
        return 0;
    packet->l3_len = (__u16)l3_len;
    return 1;
}

static __always_inline void glb_reset_swap_ethernet(struct glb_eth *eth) {
    __u8 source[6];
    __builtin_memcpy(source, eth->source, sizeof source);
    __builtin_memcpy(eth->source, eth->destination, sizeof source);
    __builtin_memcpy(eth->destination, source, sizeof source);
}

/* Writes an IP header at `l2_len` from the packet's destination to its source, for a TCP header alone. */
static __always_inline int glb_reset_write_ip(struct xdp_md *ctx, const struct glb_packet *packet,
                                              __u32 l2_len) {
    if (packet->family == 4) {
        struct glb_ipv4 *ip = glb_at(ctx, l2_len, struct glb_ipv4);
        if (!ip)
            return 0;
        const struct glb_ipv4 header = {.version_ihl = 0x45,
                                        .len = bpf_htons(sizeof header + sizeof(struct glb_tcp)),
                                        .fragment = bpf_htons(0x4000), /* DF */
                                        .ttl = GLB_ANSWER_TTL,
                                        .ip_proto = GLB_IPPROTO_TCP,
                                        .source = packet->daddr[0],
                                        .destination = packet->saddr[0]};
        __u32 words[5];
        __builtin_memcpy(words, &header, sizeof words);
        *ip = header;
        ip->check = glb_sum_fold(glb_sum_words(words, 5));
        return 1;
    }
    struct glb_ipv6 *ip = glb_at(ctx, l2_len, struct glb_ipv6);
    if (!ip)
        return 0;
    ip->version_class = 0x60;
    ip->class_flow = 0;
    ip->flow = 0;
    ip->payload_len = bpf_htons(sizeof(struct glb_tcp));
    ip->next_header = GLB_IPPROTO_TCP;
    ip->hop_limit = GLB_ANSWER_TTL;
    for (int i = 0; i < 4; i++) {
        ip->source[i] = packet->daddr[i];
        ip->destination[i] = packet->saddr[i];
    }
    return 1;
}

/*
 * Rewrites the packet to an answer to its sender, with the received tags: a RST with the sequence number that
 * the sender expects or, for `probe`, a keepalive with the number before it, to which every TCP replies by an
 * ACK. 0 if its headers cannot be read. Global, so that it is verified once.
 */
__noinline int glb_reset_answer(struct xdp_md *ctx, const struct glb_packet *packet, __u32 l2_len,
                                __u32 probe) {
    if (!packet)
        return 0;
    const struct glb_tcp *tcp = glb_at(ctx, glb_tcp_offset(packet, l2_len), struct glb_tcp);
    if (!tcp)
        return 0;
    struct glb_tcp header = {.source = tcp->destination, .destination = tcp->source, .seq = tcp->ack};
    header.offset = GLB_TCP_NO_OPTIONS;
    header.flags = GLB_TCP_RST;
    if (probe) {
        header.seq = bpf_htonl(bpf_ntohl(header.seq) - 1);
        header.ack = tcp->seq; /* acknowledges nothing new */
        header.flags = GLB_TCP_ACK;
        header.window = 0xffff;
    }
    header.check = glb_tcp_header_check(packet, header);

    struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
    if (!eth)
        return 0;
    glb_reset_swap_ethernet(eth);
    if (!glb_reset_write_ip(ctx, packet, l2_len))
        return 0;
    const __u32 ip_len = packet->family == 4 ? sizeof(struct glb_ipv4) : sizeof(struct glb_ipv6);
    struct glb_tcp *answer = glb_at(ctx, l2_len + ip_len, struct glb_tcp);
    if (!answer)
        return 0;
    *answer = header;
    return !glb_trim(ctx, l2_len + ip_len + sizeof header, glb_frame_len(ctx));
}

#endif
