/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bounded access by offset. glb_at(ctx, offset, type) is a pointer to `type` at that offset, or NULL where
 * the linear part of the frame ends before. Offsets stay below 512: further in, there are no headers of ours.
 */
#ifndef GLB_PARSE_CURSOR_H
#define GLB_PARSE_CURSOR_H

#include "lib/bpf.h"

#define GLB_MAX_OFFSET 511

static __always_inline void *glb_at_bytes(struct xdp_md *ctx, __u32 offset, __u32 size) {
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;

    if (offset > GLB_MAX_OFFSET)
        return 0;
    void *at = data + (offset & GLB_MAX_OFFSET);
    return at + size > end ? 0 : at;
}

#define glb_at(ctx, offset, type) ((type *)glb_at_bytes(ctx, offset, sizeof(type)))

/* Bytes of the whole frame, fragments (of the buffer) included. */
static __always_inline __u32 glb_frame_len(struct xdp_md *ctx) {
    return bpf_xdp_get_buff_len(ctx);
}

#endif
