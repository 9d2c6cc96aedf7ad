/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Martian addresses (RFC 1812, 5.3.7): those of the node itself, loopback, multicast and unspecified ones. The
 * kernel does not forward a packet from such a source, and the FIB look-up does not check the source. A packet
 * from the tunnel address could not be told from the node's own tunnel packets.
 */
#ifndef GLB_CLASSIFY_MARTIAN_H
#define GLB_CLASSIFY_MARTIAN_H

#include "abi/probe.h"
#include "classify/local_addrs.h"
#include "parse/packet.h"

/* Not a unicast address: loopback, multicast, unspecified, limited broadcast, IPv4 in IPv6. */
static __always_inline int glb_address_is_special(const __u32 *address, __u32 family) {
    const __u32 head = bpf_ntohl(address[0]);
    if (family == 4)
        return !head || head >> 24 == 127 || head >> 28 == 0xe || head == 0xffffffff;
    if (head >> 24 == 0xff)
        return 1;
    if (head || address[1])
        return 0;
    const __u32 third = bpf_ntohl(address[2]);
    return third == 0xffff || (!third && bpf_ntohl(address[3]) <= 1);
}

/*
 * Whether an address of the packet (enum glb_packet_end) is martian. A few of the node's addresses are in its
 * row, in which unused slots are the unspecified address. Global, so that it is verified once.
 */
__noinline int glb_address_is_martian(const struct glb_node *node, const struct glb_packet *packet,
                                      __u32 end) {
    if (!node || !packet)
        return 1;
    __u32 address[4];
#pragma unroll
    for (int i = 0; i < 4; i++)
        address[i] = end == GLB_PACKET_SOURCE ? packet->saddr[i] : packet->daddr[i];
    const __u32 family = packet->family;
    if (glb_address_is_special(address, family))
        return 1;
    if (family == 4) {
#pragma unroll
        for (int i = 0; i < GLB_NODE_ADDRESSES4; i++)
            if (node->address4[i] == address[0])
                return 1;
    } else {
#pragma unroll
        for (int i = 0; i < GLB_NODE_ADDRESSES6; i++)
            if (node->address6[i][3] == address[3] && node->address6[i][2] == address[2] &&
                node->address6[i][1] == address[1] && node->address6[i][0] == address[0])
                return 1;
    }
    return node->address_scope ? glb_local_addrs_contain(node->address_scope, packet, end) : 0;
}

/* Whether the packet's source is martian. The first octet and the filter acquit most of them. */
static __always_inline int glb_source_is_martian(const struct glb_node *node,
                                                 const struct glb_packet *packet) {
    const __u8 first = *(const __u8 *)packet->saddr;
    const int is_unicast =
        packet->family == 4 ? (__u8)(first - 1) < 126 || (__u8)(first - 128) < 96 : (__u8)(first - 1) < 254;
    const __u32 bit = glb_address_bit(packet->saddr) & (GLB_ADDRESS_FILTER_BITS - 1);
    if (glb_likely(is_unicast && !(node->address_filter[bit / 64] >> (bit & 63) & 1)))
        return 0;
    return glb_address_is_martian(node, packet, GLB_PACKET_SOURCE);
}

#endif
