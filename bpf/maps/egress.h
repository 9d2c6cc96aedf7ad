/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Forwarding: written by the controller, read by the data path. glb_egress has a row for each interface that
 * carries the program in native mode.
 */
#ifndef GLB_MAPS_EGRESS_H
#define GLB_MAPS_EGRESS_H

#include "abi/config.h"
#include "maps/declare.h"

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, GLB_MAX_EGRESS);
    __type(key, __u32);
    __type(value, struct glb_egress);
} glb_egress SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, GLB_MAX_NEXT_HOPS);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct glb_next_hop_key);
    __type(value, __u32);
} glb_next_hop_ids SEC(".maps");

GLB_ARRAY(glb_next_hops, struct glb_next_hop, GLB_MAX_NEXT_HOPS);

struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
    __uint(max_entries, GLB_MAX_EGRESS);
    __type(key, __u32);
    __type(value, __u32);
} glb_devmap SEC(".maps");

#endif
