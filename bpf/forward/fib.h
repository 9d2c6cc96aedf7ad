/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's FIB. */
#ifndef GLB_FORWARD_FIB_H
#define GLB_FORWARD_FIB_H

#include "forward/egress_cache.h"
#include "parse/l4.h"
#include "telemetry/events.h"

#define GLB_AF_INET 2
#define GLB_AF_INET6 10

/*
 * Looks up the packet's route and neighbour. 0 with *hop complete; else the packet has to be punted, and an
 * unresolved neighbour was reported. Global, so that it is verified once.
 */
__noinline int glb_fib(struct xdp_md *ctx, const struct glb_packet *packet,
                       const struct glb_forward_ctx *forward, struct glb_next_hop *hop) {
    struct bpf_fib_lookup fib = {};
    if (!packet || !forward || !hop)
        return 1;

    fib.family = packet->family == 4 ? GLB_AF_INET : GLB_AF_INET6;
    fib.l4_protocol = packet->ip_proto;
    if (glb_has_ports(packet->ip_proto)) {
        fib.sport = packet->sport;
        fib.dport = packet->dport;
    }
    fib.tot_len = packet->l3_len;
    fib.ifindex = forward->ingress_ifindex;
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
    if (forward->route_table) {
        /* A kernel without this flag (6.1 before its stable updates) refuses the look-up: the packet is punted. */
        flags = GLB_FIB_DIRECT | GLB_FIB_TBID;
        fib.h_vlan_proto = (__be16)forward->route_table; /* tbid shares these 32 bits */
        fib.h_vlan_TCI = (__be16)(forward->route_table >> 16);
    }
    const long code = bpf_fib_lookup(ctx, &fib, sizeof fib, flags);
    if (code == BPF_FIB_LKUP_RET_NO_NEIGH) {
        /* The kernel replaced destination and family by the gateway's. */
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
        glb_egress_store(forward, *index);
    return 0;
}

#endif
