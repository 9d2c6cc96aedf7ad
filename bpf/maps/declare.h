/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Macros for the map declarations of this folder, which is split by writer: config.h, state.h, egress.h and
 * controller.h are written by the controller (glbd), flow.h and telemetry.h by the data path. The controller
 * pins all maps except glb_flows_prev.
 */
#ifndef GLB_MAPS_DECLARE_H
#define GLB_MAPS_DECLARE_H

#include "lib/bpf.h"

#define GLB_ARRAY(name, value_type, rows)                                                                    \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_ARRAY);                                                                    \
        __uint(max_entries, rows);                                                                           \
        __type(key, __u32);                                                                                  \
        __type(value, value_type);                                                                           \
    } name SEC(".maps")

/* The controller maps it into its memory. */
#define GLB_MMAPABLE_ARRAY(name, value_type, rows)                                                           \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_ARRAY);                                                                    \
        __uint(max_entries, rows);                                                                           \
        __uint(map_flags, BPF_F_MMAPABLE);                                                                   \
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

#endif
