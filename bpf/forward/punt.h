/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The punt path: the only way for an endpoint's packet to be forwarded by the host stack. A punted packet carries
 * 8 bytes of XDP metadata, which the tc guard turns into the endpoint's mark. The far end of a veth can forge
 * metadata, so it is stripped from every other packet that is passed to the stack.
 *
 * Where the guard's tc program does not run, nothing restores the destination MAC that the packet leaves with,
 * and the stack does not forward it: see docs/design/0013-punt-path-fails-closed.md.
 */
#ifndef GLB_FORWARD_PUNT_H
#define GLB_FORWARD_PUNT_H

#include "lib/frame.h"
#include "maps/config.h"
#include "parse/ethernet.h"

/*
 * Replaces the destination MAC by 01:80:c2:00:00:01 (IEEE 802.1D, table 7-10: the address of PAUSE frames). A bridge
 * drops frames to it, and IPv4 and IPv6 forward only what was sent to the host's own MAC.
 */
static __always_inline int glb_punt_close(struct xdp_md *ctx) {
    struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
    if (!eth)
        return 0;
    eth->destination[0] = 0x01;
    eth->destination[1] = 0x80;
    eth->destination[2] = 0xc2;
    eth->destination[3] = 0x00;
    eth->destination[4] = 0x00;
    eth->destination[5] = 0x01;
    return 1;
}

/*
 * Puts the endpoint's metadata in front of the packet, and a destination MAC into it that only the guard replaces.
 * 0 if the driver supports no metadata.
 */
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
    return glb_punt_close(ctx);
}

/* Removes received metadata. 0 if there is some that cannot be removed. */
static __always_inline int glb_strip_metadata(struct xdp_md *ctx) {
    if (glb_likely(ctx->data_meta >= ctx->data))
        return 1;
    return !bpf_xdp_adjust_meta(ctx, (int)(ctx->data - ctx->data_meta));
}

#endif
