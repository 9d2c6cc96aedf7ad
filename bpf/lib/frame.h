/* SPDX-License-Identifier: GPL-2.0 */
/* Length of a frame, and cutting it to a length. */
#ifndef GLB_LIB_FRAME_H
#define GLB_LIB_FRAME_H

#include "lib/bpf.h"

/* Length of the frame in bytes, including the fragments of a multi-buffer frame. */
static __always_inline __u32 glb_frame_len(struct xdp_md *ctx) {
    return bpf_xdp_get_buff_len(ctx);
}

/* Cuts the frame from `frame_len` to `wanted` bytes: Ethernet padding must not enter or leave the tunnel. 0,
 * or a negative errno. */
static __always_inline int glb_trim(struct xdp_md *ctx, __u32 wanted, __u32 frame_len) {
    if (glb_likely(frame_len == wanted))
        return 0;
    return bpf_xdp_adjust_tail(ctx, (int)wanted - (int)frame_len);
}

#endif
