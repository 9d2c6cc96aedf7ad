/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Rows of the configuration. Those marked (banked) stand twice in their map: a packet reads glb_control.bank
 * once and lives in that bank; the controller writes the idle one, flips, and waits one RCU grace period.
 * The row of index i in bank b is b * rows + i.
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
    __u32 route_generation; /* low 16 bits count; raised at every change of routes, links, next hops */
    __u64 epoch;            /* of the node: raised by every applied change */
};
GLB_ABI(struct glb_control, 16);

/* Keys of the NH hash (Black et al., UMAC, CRYPTO 1999), 32 bits each. */
#define GLB_NH_KEYS 12
struct glb_nh_key {
    __u32 word[GLB_NH_KEYS];
};
GLB_ABI(struct glb_nh_key, 48);

/* glb_node (banked), one row a bank. */
struct glb_node {
    __be32 tunnel_address;
    __u16 geneve_port_count;
    __be16 geneve_port[GLB_MAX_GENEVE_PORTS];
    __u8 pad[2];
    __be32 previous_address; /* the tunnel's until a moment ago: what is under way still comes back to it */
    __u8 pad2[4];
    struct glb_nh_key steer_key; /* from hashSeed: equal on the nodes of a cluster */
};
GLB_ABI(struct glb_node, 80);

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
    __u32 scope;              /* key of this port in glb_local_addrs and glb_local_macs */
    __u64 mac[GLB_PORT_MACS]; /* 48 bits: the bytes as a big-endian number */
    __be32 local4[GLB_PORT_LOCAL4];
    __u32 local6[GLB_PORT_LOCAL6][4];
};
GLB_ABI(struct glb_logical_port, 152);

/* glb_local_addrs: LPM trie of the node's own addresses that are prefixes or did not fit; IPv4 as
 * ::ffff:a.b.c.d. */
struct glb_local_addr_key {
    __u32 prefix_length; /* 32 bits of scope + the address's */
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

/* glb_endpoints (banked) */
struct glb_endpoint {
    __be64 id;
    __be64 attachment;
    __u32 route_table; /* 0: by the node's rules */
    __u16 group;
    __u16 flags;
    __u32 new_flows_per_second; /* of one source; 0: no limit */
    __u32 pad;
};
GLB_ABI(struct glb_endpoint, 32);

/* glb_endpoint_override: not banked, one 64-bit word an endpoint: what an operator may ask for at any time.
 */
#define GLB_ENDPOINT_BYPASS (1ull << 32)       /* forward uninspected, without end */
#define GLB_ENDPOINT_BYPASS_UNTIL (1ull << 33) /* the same until the tick in the low 32 bits */

/* glb_endpoint_ids (banked, open-addressed by id in host order; id 0 has an `index` of its own, see used) */
struct glb_endpoint_id {
    __u64 id;
    __u32 index;
    __u32 used;
};
GLB_ABI(struct glb_endpoint_id, 16);

enum glb_stickiness { GLB_STICK_5 = 0, GLB_STICK_3 = 1, GLB_STICK_2 = 2 };

enum glb_group_flags {
    GLB_GROUP_STRICT_COOKIE = 1,
    GLB_GROUP_PASSIVE = 2, /* health from the traffic: flows are marked as outstanding */
};

/* glb_groups (banked) */
struct glb_group {
    __u32 table;          /* index into glb_maglev, GLB_NO_TABLE where there is none */
    __u32 previous_table; /* of the previous epoch, GLB_NO_TABLE where its window is closed */
    __u32 previous_until; /* tick at which the window closes */
    __u32 tcp_ticks;      /* idle timeouts */
    __u32 other_ticks;
    __u16 stickiness;
    __u16 flags;
};
GLB_ABI(struct glb_group, 24);

enum glb_target_flags {
    GLB_TARGET_RESOLVED = 1, /* l2 is valid */
};

/* glb_targets (banked): what encap needs, prepared. */
struct glb_target {
    __u8 l2[24]; /* Ethernet header with up to two tags, from the first byte; ethertype 0x0800 */
    __u8 l2_len; /* 14, 18 or 22 */
    __u8 flags;
    __be16 port;
    __be32 source;
    __be32 destination;
    __u32 ip_sum;  /* unfolded one's complement sum of the outer IP header with length 0 and TOS 0 */
    __u32 ifindex; /* physical egress, a key of glb_devmap */
    __u16 mtu;     /* most bytes of an outer IP packet */
    __u16 group;
    __u32 address_id; /* equal for targets of equal address: owners are compared by it */
    __u8 pad[12];
};
GLB_ABI(struct glb_target, 64);

/* glb_target_state: not banked, one 64-bit word a target, so that a failure is one map write. */
#define GLB_TARGET_ACCEPT_NEW (1ull << 0)       /* takes new flows */
#define GLB_TARGET_KEEP_ESTABLISHED (1ull << 1) /* established flows stay */
#define GLB_TARGET_KEEP_EMBRYONIC                                                                            \
    (1ull << 2)                      /* it lives: unconfirmed flows, and those without an entry, stay */
#define GLB_TARGET_RESET (1ull << 3) /* established TCP that does not stay is reset at both ends */
#define GLB_TARGET_HALF_OPEN                                                                                 \
    (1ull << 4) /* takes one of GLB_HALF_OPEN_SHARE new flows, by their steering hash */
#define GLB_HALF_OPEN_SHARE 100

/* glb_group_action: not banked: what to do when no target takes a flow. */
enum glb_no_target_action { GLB_NO_TARGET_DROP = 0, GLB_NO_TARGET_PENDING = 1, GLB_NO_TARGET_BYPASS = 2 };

/* glb_senders (banked, open-addressed by address): who may send GENEVE here. */
struct glb_sender {
    __u64 key; /* address in network order, as a number, plus 1 << 32 so that it is never 0 */
    __u64 mac; /* 48 bits; 0: not checked */
    __u32 address_id;
    __u32 pad;
};
GLB_ABI(struct glb_sender, 24);
#define GLB_SENDER_KEY(address) ((1ull << 32) | (__u32)(address))

/* glb_egress: FIB's interface index -> where that is in terms of XDP. No row: the door. */
struct glb_egress {
    __u32 ifindex; /* physical, a key of glb_devmap */
    __u16 vlan_count;
    __u16 mtu;
    __be16 vlan_proto[2];
    __be16 vlan_tci[2];
};
GLB_ABI(struct glb_egress, 16);

/* glb_next_hop_ids: (FIB's interface index, MAC) -> index into glb_next_hops. */
struct glb_next_hop_key {
    __u32 ifindex;
    __u8 mac[6];
    __u8 pad[2];
};
GLB_ABI(struct glb_next_hop_key, 12);

/* glb_next_hops: written by the controller for resolved neighbours; an index is given to another neighbour
 * only after the route generation was raised and a grace period has passed. */
struct glb_next_hop {
    __u8 destination[6];
    __u8 source[6];
    struct glb_egress egress;
    __u32 pad;
};
GLB_ABI(struct glb_next_hop, 32);

/* glb_guard_ports: what the tc guard does for packets of (interface, VLAN) without our metadata. */
struct glb_guard_port {
    __u32 mark; /* bits within the mask; 0: leave the packet alone */
    __u32 pad;
};
GLB_ABI(struct glb_guard_port, 8);

/* Settings of one load (const volatile in the program). */
struct glb_settings {
    struct glb_nh_key table_key;
    __u32 bucket_mask; /* buckets - 1 */
    __u32 punt_magic;
};
GLB_ABI(struct glb_settings, 56);

/*
 * What is pinned for the next daemon, written and read by the controller alone: the maps describe themselves,
 * so that no file beside them can be out of step.
 */
#define GLB_SEED_BYTES 32

/* Where a table's entries are (abi/flow.h: glb_flow_bucket). */
struct glb_flow_shape {
    __u32 bucket_mask; /* buckets of the table - 1; 0: no table */
    __u32 ways;        /* entries a bucket */
    __u32 buckets;     /* of a tag */
    __u32 pad;
};
GLB_ABI(struct glb_flow_shape, 16);

/* glb_metadata, one row. `schema` 0: not filled yet, the pins are worth nothing. Every schema begins like
 * this.
 */
struct glb_metadata {
    __u32 schema;
    __u32 seed_length; /* bytes of hashSeed */
    __u8 seed[GLB_SEED_BYTES];
    struct glb_settings settings;
    struct glb_flow_shape shape;
};
GLB_ABI(struct glb_metadata, 112);

/* glb_index_names: whose the indexes are, NUL-terminated: endpoints, groups, targets ("group/target"). */
#define GLB_INDEX_NAME_BYTES 128
#define GLB_INDEX_NAMES_ENDPOINTS 0
#define GLB_INDEX_NAMES_GROUPS GLB_MAX_ENDPOINTS
#define GLB_INDEX_NAMES_TARGETS (GLB_MAX_ENDPOINTS + GLB_MAX_GROUPS)
#define GLB_INDEX_NAMES (GLB_MAX_ENDPOINTS + GLB_MAX_GROUPS + GLB_MAX_TARGETS)
struct glb_index_name {
    char text[GLB_INDEX_NAME_BYTES];
};
GLB_ABI(struct glb_index_name, 128);

/* Metadata in front of a packet that goes through the door. */
struct glb_punt_metadata {
    __u32 magic; /* random at each load */
    __u32 endpoint;
};
GLB_ABI(struct glb_punt_metadata, 8);

#endif
