/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flow state: written by the data path. The controller sizes the flow table before the load and scans it
 * through mmap.
 */
#ifndef GLB_MAPS_FLOW_H
#define GLB_MAPS_FLOW_H

#include "abi/config.h"
#include "abi/flow.h"
#include "maps/declare.h"

GLB_MMAPABLE_ARRAY(glb_flows_hot, struct glb_flow_hot, GLB_FLOW_MIN_CAPACITY);
GLB_MMAPABLE_ARRAY(glb_flows_cold, struct glb_flow_cold, GLB_FLOW_MIN_CAPACITY);

/* During a migration: the previous flow table, else a row that is never read. Not pinned. */
GLB_MMAPABLE_ARRAY(glb_flows_prev, struct glb_flow_hot, 1);

/* Seconds at which a flow of this tag was last seen without an entry, four u16 per element. */
GLB_ARRAY(glb_stamps, __u64, GLB_STAMP_WORDS);

/* Token buckets of source addresses (steer/source_limit.h). */
GLB_ARRAY(glb_source_buckets, __u64, GLB_SOURCE_BUCKETS);

/* Shape of glb_flows_prev, constant for the program. Without a previous table bucket_mask is 0, and the
 * verifier removes all code that reads that table. */
const volatile struct glb_flow_shape glb_prev_shape = {};

#endif
