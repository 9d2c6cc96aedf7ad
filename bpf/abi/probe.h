/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Open addressing in array maps: a probe is one array access and no helper call. The controller places each
 * row with the same function, within GLB_PROBES slots of its hash. An empty slot has key 0 and does not end a
 * search, so rows may be placed in any order. `slots` is a power of two.
 */
#ifndef GLB_ABI_PROBE_H
#define GLB_ABI_PROBE_H

#include <linux/types.h>

#include "abi/limits.h"

static inline __u32 glb_probe_slot(__u64 key, __u32 probe, __u32 slots) {
    return ((__u32)((key * 0x9e3779b97f4a7c15ull) >> 40) + probe) & (slots - 1);
}

/* The key of a port: interface index and up to two VLAN ids, 0 for no tag. Never 0. */
static inline __u64 glb_logical_port_key(__u32 ifindex, __u16 outer_vlan, __u16 inner_vlan) {
    return ((__u64)ifindex << 32) | ((__u32)outer_vlan << 16) | inner_vlan;
}

/* The bit of an address in glb_node.address_filter. The address is in network order; IPv4 has only the first word. */
static inline __u32 glb_address_bit(const __u32 address[4]) {
    return ((address[0] ^ address[1] ^ address[2] ^ address[3]) * 0x9e3779b1u) >>
           (32 - GLB_ADDRESS_FILTER_SHIFT);
}

#endif
