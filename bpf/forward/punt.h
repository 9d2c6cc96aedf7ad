/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The door: the one way in which an endpoint's packet may reach the kernel's stack. It is told by 8 bytes of
 * XDP metadata, which the tc guard turns into the endpoint's mark. Metadata crosses a veth, and so can be
 * forged: every other packet that goes up is stripped of what it brought.
 */
#ifndef GLB_FORWARD_DOOR_H
#define GLB_FORWARD_DOOR_H

#include "maps.h"

static __always_inline int glb_punt_mark(struct xdp_md *ctx, __u32 endpoint) {
    /* What the frame brought goes first: the metadata must be these 8 bytes and no more. */
    if (ctx->data_meta < ctx->data && bpf_xdp_adjust_meta(ctx, (int)(ctx->data - ctx->data_meta)))
        return 0;
    if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct glb_punt_metadata)))
        return 0;
    struct glb_punt_metadata *door = (void *)(long)ctx->data_meta;
    void *data = (void *)(long)ctx->data;
    if ((void *)(door + 1) > data)
        return 0;
    door->magic = glb_settings.punt_magic;
    door->endpoint = endpoint;
    return 1;
}

/* 0 where metadata is there and cannot be taken off. */
static __always_inline int glb_strip_metadata(struct xdp_md *ctx) {
    if (glb_likely(ctx->data_meta >= ctx->data))
        return 1;
    return !bpf_xdp_adjust_meta(ctx, (int)(ctx->data - ctx->data_meta));
}

#endif
