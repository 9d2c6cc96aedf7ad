// SPDX-License-Identifier: GPL-2.0
// Fills the headroom with 0xFF, then runs the program under test: a header byte that it does not write reads
// 0xFF instead of 0, which might be correct by chance.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define HEADROOM 128

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} subject SEC(".maps");

SEC("xdp.frags")
int harness_poison_prog(struct xdp_md *ctx) {
    if (bpf_xdp_adjust_head(ctx, -HEADROOM))
        return XDP_ABORTED;
    volatile __u8 *byte = (void *)(long)ctx->data;
    if ((void *)(long)ctx->data + HEADROOM > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    for (int i = 0; i < HEADROOM; i++)
        byte[i] = 0xff;
    if (bpf_xdp_adjust_head(ctx, HEADROOM))
        return XDP_ABORTED;
    bpf_tail_call(ctx, &subject, 0);
    return XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
