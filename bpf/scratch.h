/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the stages hand on to each other. It does not fit the 512 bytes of a BPF stack beside the frames of
 * the global functions, so it lies in a per-CPU row: XDP runs with softirqs off, nothing else comes between.
 */
#ifndef GLB_SCRATCH_H
#define GLB_SCRATCH_H

#include "decap/outer.h"
#include "forward/onward.h"
#include "maps.h"
#include "parse/packet.h"
#include "steer/steering.h"

struct glb_scratch {
    struct glb_packet packet; /* as it came */
    struct glb_packet inner;  /* in the tunnel */
    struct glb_returned returned;
    struct glb_steering steering;
    struct glb_onward onward;
    struct glb_next_hop hop;
};

GLB_PERCPU(glb_scratch, struct glb_scratch, 1);

static __always_inline struct glb_scratch *glb_scratch_get(void) {
    const __u32 zero = 0;
    return bpf_map_lookup_elem(&glb_scratch, &zero);
}

#endif
