/* SPDX-License-Identifier: GPL-2.0 */
/* Congestion notification of a decapsulated packet. */
#ifndef GLB_TUNNEL_ECN_H
#define GLB_TUNNEL_ECN_H

#include "lib/checksum.h"
#include "parse/l4.h"
#include "telemetry/counters.h"

/*
 * ECN at decapsulation (RFC 6040, section 4.2), on a packet behind a 14-byte Ethernet header. For CE outside
 * and Not-ECT inside the RFC demands a drop; the packet is forwarded unchanged and counted instead, since
 * appliances set CE on traffic without ECN.
 */
static __always_inline void glb_ecn_decapsulate(struct xdp_md *ctx, struct glb_packet *packet,
                                                __u32 outer_tos) {
    const __u32 outer = outer_tos & 3;
    const __u32 inner = packet->tos & 3;

    if (glb_likely(outer == inner || outer == 0))
        return;
    if (outer == 3 && inner == 0) {
        glb_count(GLB_COUNT_ECN_CE_NOT_ECT, packet->l3_len);
        return;
    }
    if (inner == 0 || inner == 3 || outer == 2)
        return;
    const __u32 tos = (packet->tos & ~3u) | outer;
    if (packet->family == 4) {
        struct glb_ipv4 *ip = glb_at(ctx, GLB_ETH_LEN, struct glb_ipv4);
        if (!ip)
            return;
        ip->check =
            glb_sum_update(ip->check, bpf_htons(0x4500 | packet->tos), bpf_htons((__u16)(0x4500 | tos)));
        ip->tos = (__u8)tos;
    } else {
        struct glb_ipv6 *ip = glb_at(ctx, GLB_ETH_LEN, struct glb_ipv6);
        if (!ip)
            return;
        ip->class_flow = (__u8)((ip->class_flow & 0x0f) | ((tos & 0x0f) << 4));
    }
    packet->tos = (__u8)tos;
}

#endif
