/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the stages hand on to each other. It does not fit the 512 bytes of a BPF stack beside the frames of
 * the global functions, so it lies in a per-CPU row: XDP runs with softirqs off, nothing else comes between.
 */
#ifndef GLB_SCRATCH_H
#define GLB_SCRATCH_H

#include "maps.h"
#include "parse/packet.h"
#include "pipeline/forward_context.h"
#include "pipeline/steer_context.h"
#include "tunnel/decode.h"

struct glb_context {
    struct glb_packet packet; /* as it came */
    struct glb_packet inner;  /* in the tunnel */
    struct glb_return_info returned;
    struct glb_steer_ctx steering;
    struct glb_forward_ctx onward;
    struct glb_next_hop hop;
};

GLB_PERCPU(glb_context, struct glb_context, 1);

static __always_inline struct glb_context *glb_context_get(void) {
    const __u32 zero = 0;
    return bpf_map_lookup_elem(&glb_context, &zero);
}

#endif
