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
 * Limit of the packets that need the host stack because of what is in them or behind them: TTL expired, too big,
 * neighbour unresolved, no route, a local destination. Anybody can send them, and the stack spends up to 10 us on each.
 * A token bucket per endpoint and one for the node, both with a depth of one second. The state is in no map: a new
 * program starts with full buckets. CPUs may overwrite each other's updates, so the limits are soft.
 *
 * Traffic to an interface without the data path is not limited: the host stack is its only way.
 */
#define GLB_PUNTS_PER_TICK 335         /* 5,000 per second */
#define GLB_ENDPOINT_PUNTS_PER_TICK 67 /* 1,000 per second */
static __u64
    glb_punt_buckets[1 + GLB_MAX_ENDPOINTS]; /* tick of the last packet, tokens in use; row 0: the node */

/* Takes a token; 0 if there is none. */
static __always_inline int glb_punt_bucket_take(__u64 *bucket, __u32 now, __u32 per_tick) {
    const __u64 seen = GLB_READ(*bucket);
    const __u32 last = (__u32)(seen >> 32);
    if ((__s32)(now - last) < 0)
        now = last; /* another CPU's clock is a tick ahead */
    const __u64 returned = (__u64)(now - last) * per_tick;
    __u64 used = (__u32)seen;
    used = used > returned ? used - returned : 0;
    if (used >= (__u64)per_tick * GLB_TICKS_PER_SECOND)
        return 0;
    GLB_WRITE(*bucket, (__u64)now << 32 | (used + 1));
    return 1;
}

static __always_inline int glb_punt_limit_allow(__u32 endpoint) {
    const __u32 now = glb_now_ticks();
    return glb_punt_bucket_take(&glb_punt_buckets[1 + (endpoint & (GLB_MAX_ENDPOINTS - 1))], now,
                                GLB_ENDPOINT_PUNTS_PER_TICK) &&
           glb_punt_bucket_take(&glb_punt_buckets[0], now, GLB_PUNTS_PER_TICK);
}

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
