/* SPDX-License-Identifier: GPL-2.0 */
/* Punts every IP packet but neighbour discovery, as the data path does, or as a forger might. */
#include "abi/config.h"
#include "lib/bpf.h"

const volatile __u32 guard_punt_magic = 0;
const volatile __u32 guard_punt_endpoint = 0;
const volatile __u32 guard_punt_out =
    0; /* interface to redirect to, with the original MAC; 0: pass to the stack */

struct frame {
    __u8 destination[6];
    __u8 source[6];
    __be16 eth_proto;
    __u8 ip[40];
    __u8 icmpv6_type;
} __attribute__((packed));

/* Also not ARP, and what is not for a MAC of the host: what the guard sends to another interface passes here once
 * more in generic mode. */
static __always_inline int is_punted(const struct frame *frame, const void *end) {
    if ((const void *)&frame->ip > end || frame->destination[0] & 1)
        return 0;
    if (frame->eth_proto == bpf_htons(GLB_ETH_IP))
        return 1;
    return frame->eth_proto == bpf_htons(GLB_ETH_IPV6) && (const void *)(frame + 1) <= end &&
           (frame->ip[6] != GLB_IPPROTO_ICMPV6 || frame->icmpv6_type < 133 || frame->icmpv6_type > 137);
}

SEC("xdp")
int guard_punt_mark(struct xdp_md *ctx) {
    if (!is_punted((void *)(long)ctx->data, (void *)(long)ctx->data_end))
        return XDP_PASS;
    if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct glb_punt_metadata)))
        return XDP_ABORTED;
    struct glb_punt_metadata *metadata = (void *)(long)ctx->data_meta;
    struct frame *frame = (void *)(long)ctx->data;
    if ((void *)(metadata + 1) > (void *)frame || (void *)&frame->source > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    metadata->magic = guard_punt_magic;
    metadata->endpoint = guard_punt_endpoint;
    if (guard_punt_out)
        return bpf_redirect(guard_punt_out, 0);
    const __u8 closed[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x01}; /* forward/punt.h */
    __builtin_memcpy(frame->destination, closed, sizeof closed);
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
