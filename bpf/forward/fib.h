/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's FIB. */
#ifndef GLB_FORWARD_FIB_H
#define GLB_FORWARD_FIB_H

#include "classify/martian.h"
#include "forward/egress_cache.h"
#include "lib/words.h"
#include "parse/l4.h"
#include "telemetry/events.h"

#define GLB_AF_INET 2
#define GLB_AF_INET6 10

/* The route leads to an interface that is not the data path's: all its traffic takes the host stack. */
#define GLB_FIB_NO_EGRESS 2

/* The mask of what an IPv6 header has in front of its length: traffic class and flow label. */
#define GLB_IPV6_FLOWINFO 0x0fffffff

/* What the kernel's rules and its choice among several next hops depend on. 0 if the header cannot be read. */
static __always_inline int glb_fib_fill(struct xdp_md *ctx, const struct glb_packet *packet,
                                        struct bpf_fib_lookup *fib) {
    fib->l4_protocol = packet->ip_proto;
    if (glb_has_ports(packet->ip_proto)) {
        fib->sport = packet->sport;
        fib->dport = packet->dport;
    }
    fib->tot_len = packet->l3_len;
    if (packet->family == 4) {
        fib->family = GLB_AF_INET;
        fib->tos =
            packet->tos & 0xfc; /* DSCP; kernels before 6.12 use three of its bits, here as elsewhere */
        fib->ipv4_src = packet->saddr[0];
        fib->ipv4_dst = packet->daddr[0];
        return 1;
    }
    const struct glb_ipv6 *ip = glb_at(ctx, GLB_ETH_LEN, struct glb_ipv6);
    if (!ip)
        return 0;
    fib->family = GLB_AF_INET6;
    fib->flowinfo = *(const glb_word32 *)ip & bpf_htonl(GLB_IPV6_FLOWINFO);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        fib->ipv6_src[i] = packet->saddr[i];
        fib->ipv6_dst[i] = packet->daddr[i];
    }
    return 1;
}

/*
 * The longest packet that the route takes. The kernel says so of a route whose MTU is locked, and of what it has
 * learnt from path MTU discovery; its own forwarding obeys any route's MTU.
 */
static __always_inline __u32 glb_fib_mtu(const struct glb_node *node, const struct glb_packet *packet,
                                         __u32 mtu_result, __u32 mtu) {
    if (mtu_result && mtu_result < mtu)
        mtu = mtu_result;
    if (glb_likely(!node->route_scope))
        return mtu;
    const __u32 route_mtu = glb_local_addrs_value(node->route_scope, packet, GLB_PACKET_DESTINATION);
    return route_mtu && route_mtu < mtu ? route_mtu : mtu;
}

/*
 * Looks up the packet's route and neighbour. 0 with route->hop complete; else the packet has to be punted, and an
 * unresolved neighbour was reported. The packet is behind a 14-byte Ethernet header. Global, so that it is
 * verified once.
 */
__noinline int glb_fib(struct xdp_md *ctx, const struct glb_packet *packet,
                       const struct glb_forward_ctx *forward, struct glb_route *route) {
    if (!packet || !forward || !route)
        return 1;
    struct bpf_fib_lookup *fib = &route->params;
    struct glb_next_hop *hop = &route->hop;
    __builtin_memset(fib, 0, sizeof *fib);
    const __u32 bank = forward->bank & 1;
    const struct glb_node *node = bpf_map_lookup_elem(&glb_node, &bank);
    if (!node || !glb_fib_fill(ctx, packet, fib))
        return 1;
    fib->ifindex = forward->ingress_ifindex;
    __u32 flags = 0;
    if (forward->route_table) {
        /* The kernel asks its table of local addresses before any other. */
        if (glb_address_is_martian(node, packet, GLB_PACKET_DESTINATION))
            return 1;
        /* A kernel without this flag (6.1 before its stable updates) refuses the look-up: the packet is punted. */
        flags = GLB_FIB_DIRECT | GLB_FIB_TBID;
        fib->h_vlan_proto = (__be16)forward->route_table; /* tbid shares these 32 bits */
        fib->h_vlan_TCI = (__be16)(forward->route_table >> 16);
    }
    const long code = bpf_fib_lookup(ctx, fib, sizeof *fib, flags);
    if (code == BPF_FIB_LKUP_RET_NO_NEIGH) /* destination and family are the gateway's */
        glb_event_report(GLB_EVENT_NO_NEIGHBOUR, fib->ifindex, fib->family == GLB_AF_INET ? 4 : 6,
                         fib->ipv6_dst);
    if (code < 0) /* the kernel cannot look up so: the host stack is the only way */
        return GLB_FIB_NO_EGRESS;
    if (code != BPF_FIB_LKUP_RET_SUCCESS)
        return 1;
    const __u32 ifindex = fib->ifindex;
    const struct glb_egress *egress = bpf_map_lookup_elem(&glb_egress, &ifindex);
    if (!egress)
        return GLB_FIB_NO_EGRESS;
    hop->egress = *egress;
    hop->egress.mtu = (__u16)glb_fib_mtu(node, packet, fib->mtu_result, egress->mtu);
    __builtin_memcpy(hop->destination, fib->dmac, 6);
    __builtin_memcpy(hop->source, fib->smac, 6);
    if (hop->egress.mtu < egress->mtu)
        return 0; /* cached next hops are those of routes with the interface's MTU */

    struct glb_next_hop_key key = {.ifindex = ifindex};
    __builtin_memcpy(key.mac, fib->dmac, 6);
    const __u32 *index = bpf_map_lookup_elem(&glb_next_hop_ids, &key);
    if (index)
        glb_egress_store(forward, *index);
    return 0;
}

#endif
