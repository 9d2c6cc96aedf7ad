/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An inspected packet goes on: by the egress cached in its flow, else by the kernel's FIB, always through the
 * devmap; and what needs the kernel's stack through the door.
 */
#ifndef GLB_FORWARD_FORWARD_H
#define GLB_FORWARD_FORWARD_H

#include "pipeline/forward_context.h"
#include "steer/steer.h"
#include "tunnel/encode.h"

#define GLB_AF_INET 2
#define GLB_AF_INET6 10
#define GLB_EGRESS_FRESH_TICKS 14 /* 0.94 s */

/* One word of a flow's cached egress (abi/flow.h). */
static __always_inline __u64 glb_egress_word(__u32 next_hop, __u32 route_generation, __u32 now,
                                             __u32 generation) {
    return (next_hop & 0xffff) | ((__u64)(route_generation & 0xffff) << 16) |
           ((__u64)(now & 0xffffff) << 32) | ((__u64)(generation & 0xff) << 56);
}

/* The next hop cached in the flow, where it is of this flow, these routes, and this second. */
static __always_inline const struct glb_next_hop *glb_egress_cached(const struct glb_forward_ctx *onward) {
    if (onward->slot < 0 || !onward->cacheable)
        return 0;
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)onward->slot);
    if (!hot)
        return 0;
    const __u64 word = GLB_READ(hot->egress[onward->orientation & 1]);
    if (!word || (__u32)(word >> 56) != glb_meta_generation(onward->meta) ||
        ((__u32)(word >> 16) & 0xffff) != (onward->route_generation & 0xffff) ||
        ((onward->now - (__u32)(word >> 32)) & 0xffffff) > GLB_EGRESS_FRESH_TICKS)
        return 0;
    const __u32 index = (__u32)word & 0xffff;
    const struct glb_next_hop *hop = bpf_map_lookup_elem(&glb_next_hops, &index);
    return hop && hop->egress.ifindex ? hop : 0;
}

static __always_inline void glb_egress_remember(const struct glb_forward_ctx *onward, __u32 index) {
    if (onward->slot < 0 || !onward->cacheable)
        return;
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)onward->slot);
    if (hot)
        GLB_WRITE(
            hot->egress[onward->orientation & 1],
            glb_egress_word(index, onward->route_generation, onward->now, glb_meta_generation(onward->meta)));
}

/* A router's due: TTL or hop limit less one, the IPv4 checksum with it (RFC 1624). 0 where it had ended. */
static __always_inline int glb_ttl_decrement(struct xdp_md *ctx, const struct glb_packet *packet) {
    if (packet->ttl <= 1)
        return 0;
    if (packet->family == 4) {
        struct glb_ipv4 *ip = glb_at(ctx, GLB_ETH_LEN, struct glb_ipv4);
        if (!ip)
            return 0;
        ip->check = glb_sum_update(ip->check, bpf_htons((__u16)(ip->ttl << 8)),
                                   bpf_htons((__u16)((ip->ttl - 1) << 8)));
        ip->ttl--;
        return 1;
    }
    struct glb_ipv6 *ip = glb_at(ctx, GLB_ETH_LEN, struct glb_ipv6);
    if (!ip)
        return 0;
    ip->hop_limit--;
    return 1;
}

/*
 * Ethernet header and tags for the egress; the packet has a bare 14-byte header by now.
 * 0 where the driver leaves no room.
 */
static __always_inline int glb_rewrite_ethernet(struct xdp_md *ctx, const struct glb_packet *packet,
                                                const struct glb_next_hop *hop) {
    const __u32 tags = hop->egress.vlan_count;
    if (tags && bpf_xdp_adjust_head(ctx, -(int)(tags > 1 ? 8 : 4)))
        return 0;
    struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
    if (!eth)
        return 0;
    __builtin_memcpy(eth->destination, hop->destination, 6);
    __builtin_memcpy(eth->source, hop->source, 6);
    eth->eth_proto = tags ? hop->egress.vlan_proto[0] : bpf_htons(packet->eth_proto);
    if (!tags)
        return 1;
    struct glb_vlan_tag *tag = glb_at_bytes(ctx, GLB_ETH_LEN, 2 * sizeof *tag);
    if (!tag)
        return 0;
    tag[0].tci = hop->egress.vlan_tci[0];
    tag[0].eth_proto = tags > 1 ? hop->egress.vlan_proto[1] : bpf_htons(packet->eth_proto);
    if (tags > 1) {
        tag[1].tci = hop->egress.vlan_tci[1];
        tag[1].eth_proto = bpf_htons(packet->eth_proto);
    }
    return 1;
}

/* Out by a next hop, or through the door where the kernel's stack has to say something about the packet. */
static __always_inline struct glb_verdict glb_send(struct xdp_md *ctx, const struct glb_packet *packet,
                                                   const struct glb_forward_ctx *onward,
                                                   const struct glb_next_hop *hop) {
    if (packet->l3_len > hop->egress.mtu || !glb_ttl_decrement(ctx, packet))
        return glb_punt_metadata(onward->endpoint);
    if (!glb_rewrite_ethernet(ctx, packet, hop))
        return glb_drop(GLB_DROP_NO_HEADROOM);
    return glb_forward_to(hop->egress.ifindex);
}

/* Asks the kernel's FIB. 0 and a complete next hop, or non-zero: the door. Global: verified once. */
__noinline int glb_fib(struct xdp_md *ctx, const struct glb_packet *packet,
                       const struct glb_forward_ctx *onward, struct glb_next_hop *hop) {
    struct bpf_fib_lookup fib = {};
    if (!packet || !onward || !hop)
        return 1;

    fib.family = packet->family == 4 ? GLB_AF_INET : GLB_AF_INET6;
    fib.l4_protocol = packet->ip_proto;
    if (glb_has_ports(packet->ip_proto)) {
        fib.sport = packet->sport;
        fib.dport = packet->dport;
    }
    fib.tot_len = packet->l3_len;
    fib.ifindex = onward->ingress;
    if (packet->family == 4) {
        fib.tos = packet->tos & 0x1c;
        fib.ipv4_src = packet->saddr[0];
        fib.ipv4_dst = packet->daddr[0];
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            fib.ipv6_src[i] = packet->saddr[i];
            fib.ipv6_dst[i] = packet->daddr[i];
        }
    }
    __u32 flags = 0;
    if (onward->route_table) {
        flags = GLB_FIB_DIRECT | GLB_FIB_TBID;
        fib.h_vlan_proto = (__be16)onward->route_table; /* tbid shares these 32 bits */
        fib.h_vlan_TCI = (__be16)(onward->route_table >> 16);
    }
    const long code = bpf_fib_lookup(ctx, &fib, sizeof fib, flags);
    if (code == BPF_FIB_LKUP_RET_NO_NEIGH) {
        /* The kernel put the gateway in place of the destination, and its family. */
        __u32 address[4] = {fib.ipv6_dst[0], fib.ipv6_dst[1], fib.ipv6_dst[2], fib.ipv6_dst[3]};
        glb_event_report(GLB_EVENT_NO_NEIGHBOUR, fib.ifindex, fib.family == GLB_AF_INET ? 4 : 6, address);
    }
    if (code != BPF_FIB_LKUP_RET_SUCCESS)
        return 1;
    const __u32 ifindex = fib.ifindex;
    const struct glb_egress *egress = bpf_map_lookup_elem(&glb_egress, &ifindex);
    if (!egress)
        return 1;
    hop->egress = *egress;
    __builtin_memcpy(hop->destination, fib.dmac, 6);
    __builtin_memcpy(hop->source, fib.smac, 6);

    struct glb_next_hop_key key = {.ifindex = ifindex};
    __builtin_memcpy(key.mac, fib.dmac, 6);
    const __u32 *index = bpf_map_lookup_elem(&glb_next_hop_ids, &key);
    if (index)
        glb_egress_remember(onward, *index);
    return 0;
}

/*
 * Takes everything in front of the packet off but an Ethernet header, and what lies behind it. 0 where the
 * driver refuses.
 */
static __always_inline int glb_strip_to_ethernet(struct xdp_md *ctx, __u32 offset,
                                                 const struct glb_packet *packet) {
    struct glb_eth before;
    const struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
    if (!eth)
        return 0;
    before = *eth;
    if (glb_trim(ctx, offset + packet->l3_len, glb_frame_len(ctx)))
        return 0;
    if (bpf_xdp_adjust_head(ctx, (int)offset - GLB_ETH_LEN))
        return 0;
    struct glb_eth *after = glb_at(ctx, 0, struct glb_eth);
    if (!after)
        return 0;
    *after = before;
    after->eth_proto = bpf_htons(packet->eth_proto);
    return 1;
}

static __always_inline struct glb_verdict glb_forward_by_fib(struct xdp_md *ctx,
                                                             const struct glb_packet *packet,
                                                             const struct glb_forward_ctx *onward,
                                                             struct glb_next_hop *hop) {
    if (packet->ttl <= 1 || glb_fib(ctx, packet, onward, hop))
        return glb_punt_metadata(onward->endpoint);
    return glb_send(ctx, packet, onward, hop);
}

static __always_inline struct glb_verdict glb_forward(struct xdp_md *ctx, const struct glb_packet *packet,
                                                      const struct glb_forward_ctx *onward,
                                                      struct glb_next_hop *hop) {
    const struct glb_next_hop *cached = glb_egress_cached(onward);
    if (cached) {
        glb_count(GLB_COUNT_CACHED_EGRESS, packet->l3_len);
        return glb_send(ctx, packet, onward, cached);
    }
    return glb_forward_by_fib(ctx, packet, onward, hop);
}

#endif
