/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The punt path: the only way for an endpoint's packet to be forwarded by the host stack. A punted packet carries
 * 8 bytes of XDP metadata, which the tc guard turns into the endpoint's mark. The far end of a veth can forge
 * metadata, so it is stripped from every other packet that is passed to the stack.
 */
#ifndef GLB_FORWARD_PUNT_H
#define GLB_FORWARD_PUNT_H

#include "maps/config.h"

/* Puts the endpoint's metadata in front of the packet. 0 if the driver supports no metadata. */
static __always_inline int glb_punt_mark(struct xdp_md *ctx, __u32 endpoint) {
    /* Received metadata goes first: the guard expects these 8 bytes and no more. */
    if (ctx->data_meta < ctx->data && bpf_xdp_adjust_meta(ctx, (int)(ctx->data - ctx->data_meta)))
        return 0;
    if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct glb_punt_metadata)))
        return 0;
    struct glb_punt_metadata *metadata = (void *)(long)ctx->data_meta;
    void *data = (void *)(long)ctx->data;
    if ((void *)(metadata + 1) > data)
        return 0;
    metadata->magic = glb_settings.punt_magic;
    metadata->endpoint = endpoint;
    return 1;
}

/* Removes received metadata. 0 if there is some that cannot be removed. */
static __always_inline int glb_strip_metadata(struct xdp_md *ctx) {
    if (glb_likely(ctx->data_meta >= ctx->data))
        return 1;
    return !bpf_xdp_adjust_meta(ctx, (int)(ctx->data - ctx->data_meta));
}

#endif
