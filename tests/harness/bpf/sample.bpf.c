// SPDX-License-Identifier: GPL-2.0
// Programs for the tests of the harness, and XDP_PASS for the peer of a veth.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int harness_pass(struct xdp_md *ctx) {
    return XDP_PASS;
}

// Prepends eight bytes to the frame and writes only the first of them.
SEC("xdp.frags")
int harness_push8(struct xdp_md *ctx) {
    if (bpf_xdp_adjust_head(ctx, -8))
        return XDP_ABORTED;
    __u8 *byte = (void *)(long)ctx->data;
    if ((void *)(byte + 1) > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    *byte = 0x42;
    return XDP_TX;
}

// Writes the interface's index as metadata.
SEC("xdp.frags")
int harness_meta(struct xdp_md *ctx) {
    if (bpf_xdp_adjust_meta(ctx, -4))
        return XDP_ABORTED;
    __u32 *meta = (void *)(long)ctx->data_meta;
    if ((void *)(meta + 1) > (void *)(long)ctx->data)
        return XDP_ABORTED;
    *meta = ctx->ingress_ifindex;
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
