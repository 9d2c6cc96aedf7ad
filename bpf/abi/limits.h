/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Sizes of everything that controller and data path share. */
#ifndef GLB_ABI_LIMITS_H
#define GLB_ABI_LIMITS_H

/* Incremented when a pinned map changes its layout. Maps of another schema are migrated, never reused. */
#define GLB_SCHEMA 5

#define GLB_BANKS 2

/* Open-addressed tables (abi/probe.h): slots per bank, and the length of the probe sequence. */
#define GLB_PORT_SLOTS 4096
#define GLB_SENDER_SLOTS 16384
#define GLB_ENDPOINT_ID_SLOTS 1024
#define GLB_PROBES 8

#define GLB_MAX_PORTS 1024
#define GLB_MAX_ENDPOINTS 256
#define GLB_MAX_GROUPS 64
#define GLB_MAX_TARGETS 4096
#define GLB_MAX_TABLES                                                                                       \
    256 /* Maglev tables in use at once: the current and previous one of each group, and spares */
#define GLB_NO_TABLE 0xffffffffu
#define GLB_NO_TARGET 0xffffu

/* Maglev: a prime number of slots, four u16 target indexes to an element. */
#define GLB_MAGLEV_SLOTS 65537
#define GLB_MAGLEV_WORDS ((GLB_MAGLEV_SLOTS + 3) / 4)

/* A group's short list of targets that accept new flows, used when repeated Maglev picks find none. */
#define GLB_FALLBACK_SLOTS 256

/* Flow table: eight ways, two buckets (abi/flow.h: glb_flow_bucket). Ways are a power of two, up to 16. */
#define GLB_FLOW_WAYS 8
#define GLB_FLOW_BUCKETS 2
#define GLB_FLOW_MIN_CAPACITY 4096
#define GLB_FLOW_MAX_CAPACITY (1u << 24)

/* Timestamps of untracked flows: u16 seconds, four per element. */
#define GLB_STAMPS (1u << 20)
#define GLB_STAMP_WORDS (GLB_STAMPS / 4)
#define GLB_STAMP_FRESH_SECONDS 120

#define GLB_MAX_NEXT_HOPS 65536
#define GLB_MAX_EGRESS 4096

/* Token buckets of source addresses: sets of four, a u64 each. */
#define GLB_SOURCE_WAYS 4
#define GLB_SOURCE_BUCKETS (1u << 18)

/* Distinct GENEVE destination ports of a node's targets, including 6081. */
#define GLB_MAX_GENEVE_PORTS 8
#define GLB_GENEVE_PORT 6081

/* Local addresses and MACs in a port's row; further ones are in glb_local_addrs and glb_local_macs. */
#define GLB_PORT_LOCAL4 8
#define GLB_PORT_LOCAL6 4
#define GLB_PORT_MACS 4

/* The node's own addresses in its row; further ones are in glb_local_addrs. */
#define GLB_NODE_ADDRESSES4 16
#define GLB_NODE_ADDRESSES6 8
/* Bits of the filter in front of them (abi/probe.h: glb_address_bit). */
#define GLB_ADDRESS_FILTER_SHIFT 9
#define GLB_ADDRESS_FILTER_BITS (1 << GLB_ADDRESS_FILTER_SHIFT)

/* Coarse time: a tick is 2^26 ns (67 ms); 32 bits of ticks wrap after nine years. */
#define GLB_TICK_SHIFT 26
#define GLB_TICKS_PER_SECOND 15 /* 14.9, rounded up: a timeout is never shorter than configured */

#define GLB_ENCAP_BYTES 68

/* Outer headers including Ethernet: IPv4 without a tag, and room for IPv6 with two tags. */
#define GLB_HEADER_MIN (14 + GLB_ENCAP_BYTES)
#define GLB_HEADER_MAX 112

#endif
