/* SPDX-License-Identifier: GPL-2.0 */
/* Segments that reset a connection, made of the packet that called for them. */
#ifndef GLB_RESET_SEGMENT_H
#define GLB_RESET_SEGMENT_H

#include "lib/checksum.h"
#include "parse/ethernet.h"
#include "parse/ip.h"
#include "pipeline/context.h"
#include "tunnel/encode.h"

#define GLB_TCP_BARE 0x50 /* data offset of a header without options */
#define GLB_ANSWER_TTL 64

/*
 * Bytes where parsing has been already. Here clang likes to check one copy of an offset and to use another,
 * of which the verifier knows nothing then: it is masked where it is used.
 */
static __always_inline void *glb_again(struct xdp_md *ctx, __u32 offset, __u32 size) {
    __asm__ volatile("" : "+r"(offset));
    return glb_at_bytes(ctx, offset & GLB_MAX_OFFSET, size);
}
#define glb_again_at(ctx, offset, type) ((type *)glb_again(ctx, offset, sizeof(type)))

/* Where the transport header is, behind IPv4 options or IPv6 extension headers; 0 where it cannot be read. */
static __always_inline __u32 glb_reset_l4_offset(struct xdp_md *ctx, struct glb_context *scratch,
                                                 __u32 l2_len) {
    if (scratch->packet.family == 4) {
        const struct glb_ipv4 *ip = glb_again_at(ctx, l2_len, struct glb_ipv4);
        return ip ? l2_len + (ip->version_ihl & 0xf) * 4 : 0;
    }
    const struct glb_ipv6 *ip = glb_again_at(ctx, l2_len, struct glb_ipv6);
    if (!ip)
        return 0;
    scratch->inner.ip_proto = ip->next_header; /* the out leg has no inner packet: a place for the walk */
    const int found =
        glb_parse_extensions(ctx, l2_len + sizeof *ip, l2_len + scratch->packet.l3_len, &scratch->inner);
    return found < 0 ? 0 : (__u32)found;
}

static __always_inline __u32 glb_sum_words(const __u32 *words, int count) {
    __u32 sum = 0;
    for (int i = 0; i < count; i++)
        sum += (words[i] & 0xffff) + (words[i] >> 16);
    return sum;
}

/*
 * The checksum of a bare header between the packet's addresses, either way round (RFC 9293, section 3.1). The
 * words of an IPv4 address that are not there are 0. (An IPv6 routing header with segments left would have
 * another destination in the sum; such a RST is wrong, and discarded.)
 */
static __always_inline __u16 glb_tcp_bare_check(const struct glb_packet *packet, struct glb_tcp tcp) {
    __u32 words[5];
    tcp.check = 0;
    __builtin_memcpy(words, &tcp, sizeof words);
    return glb_sum_fold(glb_sum_words(packet->saddr, 4) + glb_sum_words(packet->daddr, 4) +
                        glb_sum_words(words, 5) + bpf_htons(GLB_IPPROTO_TCP) + bpf_htons(sizeof tcp));
}

_Static_assert(sizeof(struct glb_tcp) == 20, "a header without options");

/* Writes the IP header's new length, and in IPv4 the checksum with it. */
static __always_inline int glb_reset_set_length(struct xdp_md *ctx, const struct glb_packet *packet,
                                                __u32 l2_len, __u32 l3_len) {
    if (packet->family == 4) {
        struct glb_ipv4 *ip = glb_again_at(ctx, l2_len, struct glb_ipv4);
        if (!ip)
            return 0;
        const __be16 len = bpf_htons(l3_len);
        ip->check = glb_sum_update(ip->check, ip->len, len);
        ip->len = len;
        return 1;
    }
    struct glb_ipv6 *ip = glb_again_at(ctx, l2_len, struct glb_ipv6);
    if (!ip)
        return 0;
    ip->payload_len = bpf_htons(l3_len - sizeof *ip);
    return 1;
}

/*
 * Cuts the packet to the RST for its far end: its own sequence number (behind a SYN the next one, which is
 * what is expected), no options, no data; with its ACK, which middleboxes that track windows want to see. 0
 * where its headers cannot be read. Global: the verifier sees it once.
 */
__noinline int glb_reset_rewrite(struct xdp_md *ctx, struct glb_context *scratch, __u32 l2_len) {
    if (!scratch)
        return 0;
    struct glb_packet *packet = &scratch->packet;
    const __u32 at = glb_reset_l4_offset(ctx, scratch, l2_len);
    struct glb_tcp *tcp = glb_again_at(ctx, at, struct glb_tcp);
    if (!at || !tcp)
        return 0;
    struct glb_tcp bare = {.source = tcp->source, .destination = tcp->destination, .seq = tcp->seq};
    if (tcp->flags & GLB_TCP_SYN)
        bare.seq = bpf_htonl(bpf_ntohl(bare.seq) + 1);
    if (tcp->flags & GLB_TCP_ACK)
        bare.ack = tcp->ack;
    bare.offset = GLB_TCP_BARE;
    bare.flags = GLB_TCP_RST | (tcp->flags & GLB_TCP_ACK);
    bare.check = glb_tcp_bare_check(packet, bare);
    *tcp = bare;

    const __u32 l3_len = at - l2_len + sizeof bare;
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

/* A new IP header at `l2_len`, from the packet's destination to its source, around a bare TCP header. */
static __always_inline int glb_reset_write_ip(struct xdp_md *ctx, const struct glb_packet *packet,
                                              __u32 l2_len) {
    if (packet->family == 4) {
        struct glb_ipv4 *ip = glb_again_at(ctx, l2_len, struct glb_ipv4);
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
    struct glb_ipv6 *ip = glb_again_at(ctx, l2_len, struct glb_ipv6);
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
 * Turns the packet round to its sender, tags as they came: a RST with the number that it expects, or (`ask`)
 * a keepalive probe, one before that number, which every TCP answers by an ACK. 0 where its headers cannot be
 * read.
 */
__noinline int glb_reset_answer(struct xdp_md *ctx, struct glb_context *scratch, __u32 l2_len, __u32 ask) {
    if (!scratch)
        return 0;
    const struct glb_packet *packet = &scratch->packet;
    const __u32 at = glb_reset_l4_offset(ctx, scratch, l2_len);
    const struct glb_tcp *tcp = glb_again_at(ctx, at, struct glb_tcp);
    if (!at || !tcp)
        return 0;
    struct glb_tcp bare = {.source = tcp->destination, .destination = tcp->source, .seq = tcp->ack};
    bare.offset = GLB_TCP_BARE;
    bare.flags = GLB_TCP_RST;
    if (ask) {
        bare.seq = bpf_htonl(bpf_ntohl(bare.seq) - 1);
        bare.ack = tcp->seq; /* acknowledges nothing new */
        bare.flags = GLB_TCP_ACK;
        bare.window = 0xffff;
    }
    bare.check = glb_tcp_bare_check(packet, bare);

    struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
    if (!eth)
        return 0;
    glb_reset_swap_ethernet(eth);
    if (!glb_reset_write_ip(ctx, packet, l2_len))
        return 0;
    const __u32 header = packet->family == 4 ? sizeof(struct glb_ipv4) : sizeof(struct glb_ipv6);
    struct glb_tcp *answer = glb_again_at(ctx, l2_len + header, struct glb_tcp);
    if (!answer)
        return 0;
    *answer = bare;
    return !glb_trim(ctx, l2_len + header + sizeof bare, glb_frame_len(ctx));
}

#endif
