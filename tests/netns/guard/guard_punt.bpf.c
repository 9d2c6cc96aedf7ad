/* SPDX-License-Identifier: GPL-2.0 */
/* Writes punt metadata in front of every frame, as the data path does, or as a forger might. */
#include "abi/config.h"
#include "lib/bpf.h"

const volatile __u32 guard_punt_magic = 0;
const volatile __u32 guard_punt_out = 0; /* interface to redirect to; 0: pass to the stack */

SEC("xdp")
int guard_punt_mark(struct xdp_md *ctx) {
    if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct glb_punt_metadata)))
        return XDP_ABORTED;
    struct glb_punt_metadata *metadata = (void *)(long)ctx->data_meta;
    if ((void *)(metadata + 1) > (void *)(long)ctx->data)
        return XDP_ABORTED;
    metadata->magic = guard_punt_magic;
    metadata->endpoint = 0;
    return guard_punt_out ? bpf_redirect(guard_punt_out, 0) : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
