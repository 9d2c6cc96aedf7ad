/* SPDX-License-Identifier: GPL-2.0 */
/* Rewriting a packet for its egress: decapsulation, TTL, Ethernet header and tags. */
#ifndef GLB_FORWARD_REWRITE_H
#define GLB_FORWARD_REWRITE_H

#include "abi/config.h"
#include "lib/checksum.h"
#include "lib/frame.h"
#include "lib/words.h"
#include "parse/ethernet.h"
#include "parse/l4.h"

/*
 * Removes everything in front of the IP packet at `offset` but an untagged Ethernet header, and everything
 * behind the packet. 0 if the driver refuses.
 */
static __always_inline int glb_strip_to_ethernet(struct xdp_md *ctx, __u32 offset,
                                                 const struct glb_packet *packet) {
    const struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
    if (!eth)
        return 0;
    __u64 macs[2];
    glb_copy_macs(macs, eth);
    if (glb_trim(ctx, offset + packet->l3_len, glb_frame_len(ctx)))
        return 0;
    if (bpf_xdp_adjust_head(ctx, (int)offset - GLB_ETH_LEN))
        return 0;
    struct glb_eth *after = glb_at(ctx, 0, struct glb_eth);
    if (!after)
        return 0;
    glb_copy_macs(after, macs);
    after->eth_proto = bpf_htons(packet->eth_proto);
    return 1;
}

/*
 * Decrements TTL or hop limit of a packet behind a 14-byte Ethernet header, and updates the IPv4 checksum
 * (RFC 1624). 0 if it has expired.
 */
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
 * Writes the next hop's Ethernet header and tags in place of the packet's 14-byte header. 0 if the driver
 * provides too little headroom.
 */
static __always_inline int glb_rewrite_ethernet(struct xdp_md *ctx, const struct glb_packet *packet,
                                                const struct glb_next_hop *hop) {
    const __u32 tags = hop->egress.vlan_count;
    if (tags && bpf_xdp_adjust_head(ctx, -(int)(tags > 1 ? 8 : 4)))
        return 0;
    struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
    if (!eth)
        return 0;
    glb_copy_macs(eth, hop); /* destination and source begin both structs */
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

#endif
