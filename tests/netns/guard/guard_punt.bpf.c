/* SPDX-License-Identifier: GPL-2.0 */
/* Puts the door's metadata in front of every frame, as the data path does, and as somebody else might. */
#include "abi/config.h"
#include "lib/bpf.h"

const volatile __u32 guard_door_magic = 0;
const volatile __u32 guard_door_out = 0; /* interface to send to; 0: to the stack */

SEC("xdp")
int guard_door_open(struct xdp_md *ctx) {
    if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct glb_punt_metadata)))
        return XDP_ABORTED;
    struct glb_punt_metadata *door = (void *)(long)ctx->data_meta;
    if ((void *)(door + 1) > (void *)(long)ctx->data)
        return XDP_ABORTED;
    door->magic = guard_door_magic;
    door->endpoint = 0;
    return guard_door_out ? bpf_redirect(guard_door_out, 0) : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
