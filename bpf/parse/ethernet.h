/* SPDX-License-Identifier: GPL-2.0 */
/* Ethernet and up to two VLAN tags. VLAN id 0 (a priority tag, IEEE 802.1Q, 9.6) counts as untagged. */
#ifndef GLB_PARSE_ETHERNET_H
#define GLB_PARSE_ETHERNET_H

#include "parse/cursor.h"
#include "parse/packet.h"

struct glb_eth {
    __u8 destination[6];
    __u8 source[6];
    __be16 eth_proto;
} __attribute__((packed));

struct glb_vlan_tag {
    __be16 tci;
    __be16 eth_proto;
} __attribute__((packed));

static __always_inline int glb_is_vlan(__be16 eth_proto) {
    return eth_proto == bpf_htons(GLB_ETH_8021Q) || eth_proto == bpf_htons(GLB_ETH_8021AD);
}

/* Reads the Ethernet header and its tags into `frame`. An enum glb_parse_result. */
static __always_inline int glb_parse_ethernet(struct xdp_md *ctx, struct glb_frame *frame) {
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct glb_eth *eth = data;
    __u32 tags = 0;

    if ((void *)(eth + 1) > end)
        return GLB_PARSE_SHORT;
    frame->vlan[0] = 0;
    frame->vlan[1] = 0;
    frame->l2_len = GLB_ETH_LEN;
    __be16 proto = eth->eth_proto;
    struct glb_vlan_tag *tag = (void *)(eth + 1);

#pragma unroll
    for (int i = 0; i < 2; i++) {
        if (!glb_is_vlan(proto))
            break;
        if ((void *)(tag + 1) > end)
            return GLB_PARSE_SHORT;
        const __u32 id = bpf_ntohs(tag->tci) & 0xfff;
        if (id) {
            if (tags)
                frame->vlan[1] = id;
            else
                frame->vlan[0] = id;
            tags++;
        }
        proto = tag->eth_proto;
        frame->l2_len += GLB_VLAN_LEN;
        tag++;
    }
    frame->eth_proto = bpf_ntohs(proto);
    return GLB_PARSE_OK;
}

/*
 * The same for a frame whose linear part ends before the end of its tags: `eth` and `frame` are copied from
 * its fragments.
 */
static __always_inline int glb_load_ethernet(struct xdp_md *ctx, struct glb_eth *eth,
                                             struct glb_frame *frame) {
    if (bpf_xdp_load_bytes(ctx, 0, eth, sizeof *eth))
        return GLB_PARSE_SHORT;
    frame->vlan[0] = 0;
    frame->vlan[1] = 0;
    frame->l2_len = GLB_ETH_LEN;
    __be16 proto = eth->eth_proto;
    for (int i = 0; i < 2 && glb_is_vlan(proto); i++) {
        struct glb_vlan_tag tag;
        if (bpf_xdp_load_bytes(ctx, frame->l2_len, &tag, sizeof tag))
            return GLB_PARSE_SHORT;
        const __u32 id = bpf_ntohs(tag.tci) & 0xfff;
        if (id && frame->vlan[0])
            frame->vlan[1] = id;
        else if (id)
            frame->vlan[0] = id;
        proto = tag.eth_proto;
        frame->l2_len += GLB_VLAN_LEN;
    }
    frame->eth_proto = bpf_ntohs(proto);
    return GLB_PARSE_OK;
}

/* Six bytes as a 48-bit big-endian number, the form in glb_logical_ports and glb_senders. */
static __always_inline __u64 glb_mac_number(const __u8 *mac) {
    return ((__u64)mac[0] << 40) | ((__u64)mac[1] << 32) | ((__u64)mac[2] << 24) | ((__u64)mac[3] << 16) |
           ((__u64)mac[4] << 8) | mac[5];
}

#endif
