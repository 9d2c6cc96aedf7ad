/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Rows of the configuration maps. Those marked (banked) exist twice in their map, once per bank. A packet
 * reads glb_control.bank once and uses that bank throughout. The controller writes the inactive bank,
 * switches, and waits for an RCU grace period. The row of index i in bank b is b * rows + i.
 */
#ifndef GLB_ABI_CONFIG_H
#define GLB_ABI_CONFIG_H

#include <linux/types.h>

#include "abi/check.h"
#include "abi/counts.h"
#include "abi/events.h"
#include "abi/limits.h"

/* glb_control, one row. */
struct glb_control {
    __u32 bank;
    __u32 route_generation; /* incremented at each change of routes, links or next hops; only the low 16 bits
                               are compared */
    __u64 epoch;            /* of the node: incremented by every applied change */
};
GLB_ABI(struct glb_control, 16);

/* Keys of the NH hash (Black et al., UMAC, CRYPTO 1999), 32 bits each. */
#define GLB_NH_KEYS 12
struct glb_nh_key {
    __u32 word[GLB_NH_KEYS];
};
GLB_ABI(struct glb_nh_key, 48);

enum glb_node_flags {
    GLB_NODE_NO_TUNNEL_ADDRESS = 1, /* it is on no interface that is up: nothing is sent from it */
};

/*
 * glb_node (banked), one row per bank. The addresses are those of the node, on any interface, and its tunnel
 * addresses. Unused slots are 0. An address whose bit in the filter is 0 is none of them.
 */
struct glb_node {
    __be32 tunnel_address;
    __u16 geneve_port_count;
    __be16 geneve_port[GLB_MAX_GENEVE_PORTS];
    __u16 flags;             /* enum glb_node_flags */
    __be32 previous_address; /* the tunnel address before a change: packets in flight still return to it */
    __u32 address_scope;     /* of further addresses in glb_local_addrs; 0: there are none */
    struct glb_nh_key steer_key; /* from hashSeed: equal on all nodes of a cluster */
    __u64 address_filter[GLB_ADDRESS_FILTER_BITS / 64];
    __be32 address4[GLB_NODE_ADDRESSES4];
    __u32 address6[GLB_NODE_ADDRESSES6][4];
    __u32 route_scope; /* of the destinations of routes with an MTU in glb_local_addrs; 0: there are none */
    __u32 mark_mask;   /* the bits of skb->mark that are the node's (punted packets) */
};
GLB_ABI(struct glb_node, 344);

enum glb_logical_port_flags {
    GLB_PORT_ENDPOINT = 1,
    GLB_PORT_TUNNEL = 2,
    GLB_PORT_LOCAL_MORE = 4, /* glb_local_addrs holds addresses of this port */
    GLB_PORT_MACS_MORE = 8,  /* glb_local_macs holds MACs of this port */
};

/* glb_logical_ports (banked, open-addressed by glb_logical_port_key): an (interface, VLAN) of the manifest.
 */
struct glb_logical_port {
    __u64 key;
    __u16 flags;
    __u16 endpoint;
    __u8 local4_count;
    __u8 local6_count;
    __u8 mac_count;
    __u8 pad;
    __u32 fib_ifindex;        /* the kernel's device for this (interface, VLAN): ingress of FIB look-ups */
    __u32 scope;              /* of this port's keys in glb_local_addrs and glb_local_macs */
    __u64 mac[GLB_PORT_MACS]; /* 48 bits: the bytes as a big-endian number */
    __be32 local4[GLB_PORT_LOCAL4];
    __u32 local6[GLB_PORT_LOCAL6][4];
};
GLB_ABI(struct glb_logical_port, 152);

/* glb_local_addrs: LPM trie of local addresses that are prefixes or do not fit into the row of a port or of the
 * node, and of the destinations of routes with an MTU, which is their value; IPv4 as ::ffff:a.b.c.d. */
struct glb_local_addr_key {
    __u32 prefix_length; /* 32 bits of scope, plus those of the address */
    __u32 scope;
    __u8 address[16];
};
GLB_ABI(struct glb_local_addr_key, 24);

/* glb_local_macs */
struct glb_local_mac_key {
    __u32 scope;
    __u8 mac[6];
    __u8 pad[2];
};
GLB_ABI(struct glb_local_mac_key, 12);

enum glb_endpoint_flags {
    GLB_ENDPOINT_PUNT = 1, /* the host stack has to forward its packets: an IPsec policy may apply to them */
};

/* glb_endpoints (banked) */
struct glb_endpoint {
    __be64 id;
    __be64 attachment;
    __u32 route_table; /* 0: by the node's routing rules */
    __u16 group;
    __u16 flags;                /* enum glb_endpoint_flags */
    __u32 new_flows_per_second; /* per source address; 0: no limit */
    __u16 mtu;                  /* the largest of its interfaces, in bytes of an IP packet */
    __u8 pad[2];
};
GLB_ABI(struct glb_endpoint, 32);

/* glb_endpoint_override: not banked, a u64 per endpoint, set by an operator at any time. */
#define GLB_ENDPOINT_BYPASS (1ull << 32)       /* forward uninspected */
#define GLB_ENDPOINT_BYPASS_UNTIL (1ull << 33) /* the same, until the tick in the low 32 bits */

/* glb_endpoint_ids (banked, open-addressed by id in host order). `used`: the slot is not empty. */
struct glb_endpoint_id {
    __u64 id;
    __u32 index;
    __u32 used;
};
GLB_ABI(struct glb_endpoint_id, 16);

enum glb_stickiness { GLB_STICK_5 = 0, GLB_STICK_3 = 1, GLB_STICK_2 = 2 };

enum glb_group_flags {
    GLB_GROUP_STRICT_COOKIE = 1,
    GLB_GROUP_PASSIVE = 2, /* passive health: flows are marked as outstanding */
};

/* glb_groups (banked) */
struct glb_group {
    __u32 table;          /* index into glb_maglev, or GLB_NO_TABLE */
    __u32 previous_table; /* GLB_NO_TABLE when its window is closed */
    __u32 previous_until; /* tick at which the window closes */
    __u32 tcp_ticks;      /* idle timeouts */
    __u32 other_ticks;
    __u16 stickiness;
    __u16 flags;
};
GLB_ABI(struct glb_group, 24);

enum glb_target_flags {
    GLB_TARGET_RESOLVED = 1, /* the next hop is known: `header` is valid */
};

/*
 * glb_targets (banked): prepared for encapsulation. `header` is the outer header from the first byte of the
 * Ethernet header (up to two tags) to the last GENEVE option, as controller/tunnel/ builds it. It is complete
 * except for what differs between packets, which the data path writes (tunnel/encode.h):
 *
 *   at l3          IPv4: ECN (added to TOS), total length, checksum
 *   behind IPv4    UDP: source port, length
 *   behind UDP     GENEVE: protocol type
 *   at endpoint    value of the endpoint option, 8 bytes
 *   at attachment  value of the attachment option, 8 bytes
 *   at cookie      value of the cookie option, 4 bytes
 *
 * These are offsets in bytes from the start of the header.
 */
struct glb_target {
    __u8 reserved[24]; /* Ethernet header in schemas 1 to 3 */
    __u8 l3;           /* 14, 18 or 22 */
    __u8 flags;
    __be16 port;
    __be32 source;
    __be32 destination;
    __u32 ip_sum;  /* unfolded one's complement sum of the IPv4 header with length and checksum 0 */
    __u32 ifindex; /* physical egress, a key of glb_devmap */
    __u16 mtu;     /* maximum length of an outer IP packet */
    __u16 group;
    __u32 address_id; /* equal for targets of equal address; owners are compared by it */
    __u8 header_len;  /* GLB_HEADER_MIN to GLB_HEADER_MAX */
    __u8 endpoint;
    __u8 attachment;
    __u8 cookie;
    __u8 pad[8];
    __u8 header[GLB_HEADER_MAX];
};
GLB_ABI(struct glb_target, 176);

/*
 * glb_target_state: not banked, a u64 per target, so that a failure is a single map write. Alive means that
 * the target keeps embryonic flows and flows without an entry. Established TCP flows that a target does not
 * keep are reset at both ends if GLB_TARGET_RESET is set. A half-open target accepts one of
 * GLB_HALF_OPEN_SHARE new flows, selected by the steering hash.
 */
#define GLB_TARGET_ACCEPT_NEW (1ull << 0)
#define GLB_TARGET_KEEP_ESTABLISHED (1ull << 1)
#define GLB_TARGET_KEEP_EMBRYONIC (1ull << 2) /* alive */
#define GLB_TARGET_RESET (1ull << 3)
#define GLB_TARGET_HALF_OPEN (1ull << 4)
#define GLB_HALF_OPEN_SHARE 100

/* glb_group_action: not banked, a u64 per group: what to do when no target accepts a flow. */
enum glb_no_target_action { GLB_NO_TARGET_DROP = 0, GLB_NO_TARGET_PENDING = 1, GLB_NO_TARGET_BYPASS = 2 };

/* glb_senders (banked, open-addressed by address): the addresses that may send GENEVE to the tunnel. */
struct glb_sender {
    __u64 key; /* address in network order, as a number, plus 1 << 32 so that it is never 0 */
    __u64 mac; /* 48 bits; 0: not checked */
    __u32 address_id;
    __u32 pad;
};
GLB_ABI(struct glb_sender, 24);
#define GLB_SENDER_KEY(address) ((1ull << 32) | (__u32)(address))

/* glb_egress: FIB interface index -> physical interface and tags. Without a row the packet is punted. */
struct glb_egress {
    __u32 ifindex; /* physical, a key of glb_devmap */
    __u16 vlan_count;
    __u16 mtu;
    __be16 vlan_proto[2];
    __be16 vlan_tci[2];
};
GLB_ABI(struct glb_egress, 16);

/* glb_next_hop_ids: (FIB interface index, MAC) -> index into glb_next_hops. */
struct glb_next_hop_key {
    __u32 ifindex;
    __u8 mac[6];
    __u8 pad[2];
};
GLB_ABI(struct glb_next_hop_key, 12);

/* glb_next_hops: resolved neighbours. An index is reused for another neighbour only after the route
 * generation was incremented and a grace period has passed. */
struct glb_next_hop {
    __u8 destination[6];
    __u8 source[6];
    struct glb_egress egress;
    __u32 pad;
};
GLB_ABI(struct glb_next_hop, 32);

/* glb_guard_ports: the tc guard's action on packets of an (interface, VLAN) without punt metadata. */
struct glb_guard_port {
    __u32 mark; /* bits within the mask; 0: do not mark */
    __u32 pad;
};
GLB_ABI(struct glb_guard_port, 8);

/*
 * glb_guard_endpoints: what the tc guard does with an endpoint's punted packets. The stack receives them by an
 * interface of the endpoint, whichever interface they came by.
 */
#define GLB_GUARD_FILTERED 1 /* the guard's filter is on that interface as well, and completes the way */
struct glb_guard_endpoint {
    __u32 mark;    /* bits within the mask; 0: the endpoint does not exist */
    __u32 ifindex; /* the interface; 0: there is none that is up, packets are dropped */
    __u8 mac[6];   /* its address */
    __u16 flags;
};
GLB_ABI(struct glb_guard_endpoint, 16);

/* Settings of one load (const volatile in the program). */
struct glb_settings {
    struct glb_nh_key table_key;
    __u32 bucket_mask; /* buckets - 1 */
    __u32 punt_magic;
};
GLB_ABI(struct glb_settings, 56);

/*
 * Records that the controller pins for its successor. They describe the maps they are pinned with, so they
 * cannot be out of step with them as a file could.
 */
#define GLB_SEED_BYTES 32

/* The shape of a flow table (abi/flow.h: glb_flow_bucket). */
struct glb_flow_shape {
    __u32 bucket_mask; /* buckets of the table - 1; 0: no table */
    __u32 ways;        /* entries per bucket */
    __u32 buckets;     /* candidates of a tag */
    __u32 pad;
};
GLB_ABI(struct glb_flow_shape, 16);

/* glb_metadata, one row. `schema` 0: not written yet, the pinned maps are incomplete. Every schema starts
 * with these members. */
struct glb_metadata {
    __u32 schema;
    __u32 seed_length; /* bytes of hashSeed */
    __u8 seed[GLB_SEED_BYTES];
    struct glb_settings settings;
    struct glb_flow_shape shape;
};
GLB_ABI(struct glb_metadata, 112);

/*
 * glb_index_names: the names behind the indexes, NUL-terminated: endpoints, groups, targets ("group/target", and
 * "group/target@address:port" of one that drains after its id was given to another address).
 */
#define GLB_INDEX_NAME_BYTES 128
#define GLB_INDEX_NAMES_ENDPOINTS 0
#define GLB_INDEX_NAMES_GROUPS GLB_MAX_ENDPOINTS
#define GLB_INDEX_NAMES_TARGETS (GLB_MAX_ENDPOINTS + GLB_MAX_GROUPS)
#define GLB_INDEX_NAMES (GLB_MAX_ENDPOINTS + GLB_MAX_GROUPS + GLB_MAX_TARGETS)
struct glb_index_name {
    char text[GLB_INDEX_NAME_BYTES];
};
GLB_ABI(struct glb_index_name, 128);

/* XDP metadata in front of a punted packet. */
struct glb_punt_metadata {
    __u32 magic; /* random per load */
    __u32 endpoint;
};
GLB_ABI(struct glb_punt_metadata, 8);

#endif
