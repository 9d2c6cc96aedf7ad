// SPDX-License-Identifier: GPL-2.0
// Moves a frame to the front of its buffer, which leaves a few bytes of headroom, then runs the program under
// test: a driver with little headroom.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define FRAME 64 /* length of the frame */
#define MOVE 192 /* of the 216 bytes that BPF_PROG_TEST_RUN leaves above struct xdp_frame */

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} subject SEC(".maps");

SEC("xdp.frags")
int packet_tight_prog(struct xdp_md *ctx) {
    __u8 frame[FRAME];
    if (bpf_xdp_load_bytes(ctx, 0, frame, sizeof frame) || bpf_xdp_adjust_head(ctx, -MOVE) ||
        bpf_xdp_store_bytes(ctx, 0, frame, sizeof frame) || bpf_xdp_adjust_tail(ctx, -MOVE))
        return XDP_ABORTED;
    bpf_tail_call(ctx, &subject, 0);
    return XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
