/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Open addressing in plain array maps: a look-up costs one array access and no helper call. The controller
 * places the rows with the same function, at most GLB_PROBES slots behind the hash; an empty slot has key 0
 * and ends no search (rows are few, and placing needs no order). `slots` is a power of two.
 */
#ifndef GLB_ABI_PROBE_H
#define GLB_ABI_PROBE_H

#include <linux/types.h>

static inline __u32 glb_probe_slot(__u64 key, __u32 probe, __u32 slots) {
    return ((__u32)((key * 0x9e3779b97f4a7c15ull) >> 40) + probe) & (slots - 1);
}

/* The key of a port: interface index and up to two VLAN ids, 0 where there is no tag. Never 0. */
static inline __u64 glb_logical_port_key(__u32 ifindex, __u16 outer_vlan, __u16 inner_vlan) {
    return ((__u64)ifindex << 32) | ((__u32)outer_vlan << 16) | inner_vlan;
}

#endif
