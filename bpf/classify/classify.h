/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The class of a packet: return traffic of the tunnel, local, martian, an endpoint's, or other. The order of
 * the tests is part of the interface; docs/packet-walk.md describes it.
 */
#ifndef GLB_CLASSIFY_CLASSIFY_H
#define GLB_CLASSIFY_CLASSIFY_H

#include "abi/probe.h"
#include "classify/local_addrs.h"
#include "classify/martian.h"
#include "maps/config.h"
#include "parse/cursor.h"
#include "parse/ethernet.h"
#include "parse/packet.h"

enum glb_class {
    GLB_CLASS_OTHER = 0,
    GLB_CLASS_LOCAL,
    GLB_CLASS_RETURN,  /* GENEVE to the tunnel address, on the tunnel's interface and VLAN */
    GLB_CLASS_SPOOFED, /* the same on any other */
    GLB_CLASS_MARTIAN, /* an endpoint's packet from a source that no kernel forwards */
    GLB_CLASS_ENDPOINT,
};

/* The row of the (interface, VLANs), NULL if the manifest does not name it. */
static __always_inline const struct glb_logical_port *glb_logical_port_find(__u32 bank, __u32 ifindex,
                                                                            const struct glb_frame *frame) {
    const __u64 key = glb_logical_port_key(ifindex, (__u16)frame->vlan[0], (__u16)frame->vlan[1]);
#pragma unroll
    for (__u32 probe = 0; probe < GLB_PROBES; probe++) {
        const __u32 row = bank * GLB_PORT_SLOTS + glb_probe_slot(key, probe, GLB_PORT_SLOTS);
        const struct glb_logical_port *port = bpf_map_lookup_elem(&glb_logical_ports, &row);
        if (port && port->key == key)
            return port;
    }
    return 0;
}

/* Whether the MAC is that of the port or of a device on it. */
static __always_inline int glb_mac_is_local(const struct glb_logical_port *port, const __u8 *mac) {
    const __u64 number = glb_mac_number(mac);
#pragma unroll
    for (int i = 0; i < GLB_PORT_MACS; i++)
        if (port->mac[i] == number)
            return number != 0; /* unused slots are 0 */
    if (!(port->flags & GLB_PORT_MACS_MORE))
        return 0;
    struct glb_local_mac_key key = {.scope = port->scope};
    __builtin_memcpy(key.mac, mac, sizeof key.mac);
    return bpf_map_lookup_elem(&glb_local_macs, &key) != 0;
}

static __always_inline int glb_address_is_local(const struct glb_logical_port *port,
                                                const struct glb_packet *packet) {
    if (packet->family == 4) {
#pragma unroll
        for (int i = 0; i < GLB_PORT_LOCAL4; i++)
            if (i < port->local4_count && port->local4[i] == packet->daddr[0])
                return 1;
    } else {
#pragma unroll
        for (int i = 0; i < GLB_PORT_LOCAL6; i++)
            if (i < port->local6_count && port->local6[i][0] == packet->daddr[0] &&
                port->local6[i][1] == packet->daddr[1] && port->local6[i][2] == packet->daddr[2] &&
                port->local6[i][3] == packet->daddr[3])
                return 1;
    }
    return port->flags & GLB_PORT_LOCAL_MORE
               ? glb_local_addrs_contain(port->scope, packet, GLB_PACKET_DESTINATION)
               : 0;
}

/*
 * Link-scope traffic, which no kernel forwards: multicast, limited broadcast, IPv6 link-local. Linux does
 * forward 169.254/16, 240/4, and neighbour discovery to an address on another link: those are an endpoint's
 * traffic (neighbour discovery on this link uses multicast, link-local or local addresses).
 */
static __always_inline int glb_is_link_scope(const struct glb_packet *packet) {
    const __u32 head = bpf_ntohl(packet->daddr[0]);
    if (packet->family == 4)
        return (head & 0xf0000000) == 0xe0000000 || head == 0xffffffff;
    const __u32 source = bpf_ntohl(packet->saddr[0]);
    return (head & 0xff000000) == 0xff000000 || (head & 0xffc00000) == 0xfe800000 ||
           (source & 0xffc00000) == 0xfe800000;
}

static __always_inline int glb_is_geneve_port(const struct glb_node *node, __be16 port) {
#pragma unroll
    for (int i = 0; i < GLB_MAX_GENEVE_PORTS; i++)
        if (i < node->geneve_port_count && node->geneve_port[i] == port)
            return 1;
    return 0;
}

/*
 * UDP to the tunnel address and to a port that this node's targets use. Fragments have no ports: on the
 * tunnel's port they may be a target's, on any other they are treated like every packet to another
 * interface's address.
 */
static __always_inline int glb_is_geneve(const struct glb_node *node, const struct glb_logical_port *port,
                                         const struct glb_packet *packet) {
    if (packet->family != 4 || packet->ip_proto != GLB_IPPROTO_UDP ||
        (packet->daddr[0] != node->tunnel_address && packet->daddr[0] != node->previous_address))
        return 0;
    if (packet->flags & GLB_PKT_FRAGMENT)
        return port->flags & GLB_PORT_TUNNEL;
    return glb_is_geneve_port(node, packet->dport);
}

/* Like a tunnel packet of this node, received as an endpoint's traffic: a routing loop, or forged. */
static __always_inline int glb_is_looped_tunnel(const struct glb_node *node,
                                                const struct glb_packet *packet) {
    return packet->family == 4 && packet->ip_proto == GLB_IPPROTO_UDP &&
           packet->saddr[0] == node->tunnel_address && glb_is_geneve_port(node, packet->dport);
}

/* The tests below are in order of precedence. */
static __always_inline enum glb_class glb_classify_ip(const struct glb_node *node,
                                                      const struct glb_logical_port *port,
                                                      const struct glb_packet *packet) {
    if (glb_unlikely(glb_is_geneve(node, port, packet)))
        return port->flags & GLB_PORT_TUNNEL ? GLB_CLASS_RETURN : GLB_CLASS_SPOOFED;
    if (glb_address_is_local(port, packet) || glb_is_link_scope(packet))
        return GLB_CLASS_LOCAL;
    if (!(port->flags & GLB_PORT_ENDPOINT))
        return GLB_CLASS_OTHER;
    return glb_unlikely(glb_source_is_martian(node, packet)) ? GLB_CLASS_MARTIAN : GLB_CLASS_ENDPOINT;
}

#endif
