/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every map: key, value, who writes, who reads, how long it lives. All but the settings of a load
 * are pinned by the controller and outlive it. "Controller" is glbd, "path" the XDP program.
 */
#ifndef GLB_MAPS_H
#define GLB_MAPS_H

#include "abi/config.h"
#include "abi/flow.h"
#include "abi/reasons.h"
#include "lib/bpf.h"

#define GLB_ARRAY(name, value_type, rows)                                                                    \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_ARRAY);                                                                    \
        __uint(max_entries, rows);                                                                           \
        __type(key, __u32);                                                                                  \
        __type(value, value_type);                                                                           \
    } name SEC(".maps")

#define GLB_PERCPU(name, value_type, rows)                                                                   \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                                             \
        __uint(max_entries, rows);                                                                           \
        __type(key, __u32);                                                                                  \
        __type(value, value_type);                                                                           \
    } name SEC(".maps")

/* Written by the controller, read by the path. The active bank is glb_control.bank. */
GLB_ARRAY(glb_control, struct glb_control, 1);
GLB_ARRAY(glb_node, struct glb_node, GLB_BANKS);
GLB_ARRAY(glb_logical_ports, struct glb_logical_port, GLB_BANKS *GLB_PORT_SLOTS);
GLB_ARRAY(glb_endpoints, struct glb_endpoint, GLB_BANKS *GLB_MAX_ENDPOINTS);
GLB_ARRAY(glb_endpoint_ids, struct glb_endpoint_id, GLB_BANKS *GLB_ENDPOINT_ID_SLOTS);
GLB_ARRAY(glb_groups, struct glb_group, GLB_BANKS *GLB_MAX_GROUPS);
GLB_ARRAY(glb_targets, struct glb_target, GLB_BANKS *GLB_MAX_TARGETS);
GLB_ARRAY(glb_senders, struct glb_sender, GLB_BANKS *GLB_SENDER_SLOTS);

/* Not banked: one word a target, group or endpoint, written by the controller at any time. */
GLB_ARRAY(glb_target_state, __u64, GLB_MAX_TARGETS);
GLB_ARRAY(glb_group_action, __u64, GLB_MAX_GROUPS);
GLB_ARRAY(glb_endpoint_override, __u64, GLB_MAX_ENDPOINTS);
GLB_ARRAY(glb_fallback, __u64, GLB_MAX_GROUPS *GLB_FALLBACK_SLOTS);

/* The node's own addresses and MACs beyond what a port's row holds. */
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

/* Maglev tables: four slots to an element; the controller fills a new inner map and puts it in place. */
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

/* The flow table: written by the path, scanned by the controller through mmap. Sized before load. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, GLB_FLOW_MIN_CAPACITY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct glb_flow_hot);
} glb_flows_hot SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, GLB_FLOW_MIN_CAPACITY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct glb_flow_cold);
} glb_flows_cold SEC(".maps");

/* While flows are taken over from another table: that table. Else a row that nobody reads. Not pinned. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct glb_flow_hot);
} glb_flows_prev SEC(".maps");

/* Seconds at which a flow of this tag was last seen without an entry, four u16 to an element. */
GLB_ARRAY(glb_stamps, __u64, GLB_STAMP_WORDS);

/* Forwarding: rows for interfaces that carry the program natively; next hops; the devices themselves. */
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

/* Counters: written by the path, summed by the controller when asked. */
GLB_PERCPU(glb_drops, struct glb_count, GLB_DROP_MAX);
GLB_PERCPU(glb_counters, struct glb_count, GLB_COUNT_MAX);
GLB_PERCPU(glb_endpoint_counts, struct glb_endpoint_count, GLB_MAX_ENDPOINTS);

/* A row for each CPU and target (abi/config.h), sized before load; read by the controller through mmap. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, GLB_MAX_TARGETS);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct glb_target_count);
} glb_target_counts SEC(".maps");

/* Which endpoint came back through which target: set by the return leg, cleared by the controller through
 * mmap. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, GLB_SEEN_WORDS);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, __u64);
} glb_endpoint_target_seen SEC(".maps");

/* Token buckets of sources: written by the path alone. */
GLB_ARRAY(glb_source_buckets, __u64, GLB_SOURCE_BUCKETS);

/* The controller's memory, pinned with the rest: settings of the load, names of indexes, Maglev fingerprints.
 */
GLB_ARRAY(glb_metadata, struct glb_metadata, 1);
GLB_ARRAY(glb_index_names, struct glb_index_name, GLB_INDEX_NAMES);
GLB_ARRAY(glb_maglev_fingerprints, __u64, GLB_MAX_TABLES);

/* Events to the controller: next hops that it must resolve, senders whose MAC changed. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 18);
} glb_events SEC(".maps");

/* Settings of one load: the table's shape and key (they belong to the pinned table), the door's magic. */
const volatile struct glb_settings glb_settings = {.bucket_mask = GLB_FLOW_MIN_CAPACITY / GLB_FLOW_WAYS - 1};

/* The shape of glb_flows_prev; bucket_mask 0 where there is none, and the verifier drops all that looks
 * there.
 */
const volatile struct glb_flow_shape glb_prev_shape = {};

#endif
