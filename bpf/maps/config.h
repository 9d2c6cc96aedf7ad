/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Configuration: written by the controller, read by the data path. Rows of banked maps exist once per bank;
 * the active bank is glb_control.bank (abi/config.h).
 */
#ifndef GLB_MAPS_CONFIG_H
#define GLB_MAPS_CONFIG_H

#include "abi/config.h"
#include "maps/declare.h"

GLB_ARRAY(glb_control, struct glb_control, 1);
GLB_ARRAY(glb_node, struct glb_node, GLB_BANKS);
GLB_ARRAY(glb_logical_ports, struct glb_logical_port, GLB_BANKS *GLB_PORT_SLOTS);
GLB_ARRAY(glb_endpoints, struct glb_endpoint, GLB_BANKS *GLB_MAX_ENDPOINTS);
GLB_ARRAY(glb_endpoint_ids, struct glb_endpoint_id, GLB_BANKS *GLB_ENDPOINT_ID_SLOTS);
GLB_ARRAY(glb_groups, struct glb_group, GLB_BANKS *GLB_MAX_GROUPS);
GLB_ARRAY(glb_targets, struct glb_target, GLB_BANKS *GLB_MAX_TARGETS);
GLB_ARRAY(glb_senders, struct glb_sender, GLB_BANKS *GLB_SENDER_SLOTS);

/* Not banked: an operator may bypass an endpoint at any time. */
GLB_ARRAY(glb_endpoint_override, __u64, GLB_MAX_ENDPOINTS);

/* Local addresses and MACs that do not fit into the row of their port. */
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 65536);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct glb_local_addr_key);
    __type(value, __u32);
} glb_local_addrs SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct glb_local_mac_key);
    __type(value, __u32);
} glb_local_macs SEC(".maps");

/* Maglev tables, four slots per element. The controller fills an inner map that no bank refers to. */
struct glb_maglev_table {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, GLB_MAGLEV_WORDS);
    __type(key, __u32);
    __type(value, __u64);
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, GLB_MAX_TABLES);
    __type(key, __u32);
    __array(values, struct glb_maglev_table);
} glb_maglev SEC(".maps");

/* Settings of one load, constant for the program: the pinned table's shape and key, and the punt magic. */
const volatile struct glb_settings glb_settings = {.bucket_mask = GLB_FLOW_MIN_CAPACITY / GLB_FLOW_WAYS - 1};

static __always_inline const struct glb_control *glb_control_row(void) {
    const __u32 row = 0;
    return bpf_map_lookup_elem(&glb_control, &row);
}

static __always_inline const struct glb_endpoint *glb_endpoint_row(__u32 bank, __u32 endpoint) {
    const __u32 row = bank * GLB_MAX_ENDPOINTS + (endpoint & (GLB_MAX_ENDPOINTS - 1));
    return bpf_map_lookup_elem(&glb_endpoints, &row);
}

static __always_inline const struct glb_target *glb_target_row(__u32 bank, __u32 target) {
    const __u32 row = bank * GLB_MAX_TARGETS + target;
    return bpf_map_lookup_elem(&glb_targets, &row);
}

/* NULL for a group that is not configured: every configured group has timeouts, an empty row has none. */
static __always_inline const struct glb_group *glb_group_row(__u32 bank, __u32 group) {
    const __u32 row = bank * GLB_MAX_GROUPS + group;
    const struct glb_group *found = bpf_map_lookup_elem(&glb_groups, &row);
    return found && found->tcp_ticks ? found : 0;
}

/* The operator's override of an endpoint (GLB_ENDPOINT_BYPASS...), 0 if there is none. */
static __always_inline __u64 glb_endpoint_override_of(__u32 endpoint) {
    const __u64 *override = bpf_map_lookup_elem(&glb_endpoint_override, &endpoint);
    return override ? GLB_READ(*override) : 0;
}

#endif
