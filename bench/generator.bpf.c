/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prepares the packet for each run of one BPF_PROG_TEST_RUN: restores the frame's length, rewrites the headers,
 * sets the flow, and tail-calls the subject. Otherwise the second run would receive the packet as the first one
 * left it. The generator's own cost is measured with a subject that returns immediately.
 */
#include "lib/bpf.h"

#include "control.h"
#include "lib/checksum.h"
#include "parse/cursor.h"

#define BENCH_ADDRESS 0x0a000000u /* flow i comes from 10.0.0.0 + i */
#define BENCH_PORT 1024u

struct bench_control bench_control;

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} bench_subject SEC(".maps");

static __always_inline __u32 bench_next_index(struct bench_control *control) {
    const __u64 state = control->state;
    control->state = state * control->multiplier + control->increment;
    return control->random ? (__u32)(((state >> 32) * control->flows) >> 32) : (__u32)state;
}

/* Source address and source port of the inner packet, which begins at `ip`. */
static __always_inline void bench_write_flow(void *ip, __u32 index) {
    const __be32 before = *(__be32 *)(ip + 12), after = bpf_htonl(BENCH_ADDRESS + index);
    __be16 *check = ip + 10;
    *(__be32 *)(ip + 12) = after;
    *check = glb_sum_update(*check, (__u16)before, (__u16)after);
    *check = glb_sum_update(*check, (__u16)(before >> 16), (__u16)(after >> 16));
    *(__be16 *)(ip + 20) = bpf_htons((__u16)(BENCH_PORT + (index & 0x3fff)));
}

SEC("xdp.frags")
int bench_generator(struct xdp_md *ctx) {
    struct bench_control *control = &bench_control;
    const struct bench_frame *frame = &control->frame[control->turn & 1];
    const __u32 length = glb_frame_len(ctx);

    control->turn ^= control->alternate;
    if (bpf_xdp_adjust_head(ctx, (int)length - (int)frame->length)) {
        control->failed++;
        return XDP_ABORTED;
    }
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    __u64 *words = data;
    const __u32 index = bench_next_index(control);
    if (data + BENCH_PLAIN_WORDS * 8 > end)
        return XDP_ABORTED;
#pragma unroll
    for (int i = 0; i < BENCH_PLAIN_WORDS; i++)
        words[i] = frame->word[i];
    if (frame->tunnelled) {
        if (data + BENCH_FRAME_WORDS * 8 > end)
            return XDP_ABORTED;
#pragma unroll
        for (int i = BENCH_PLAIN_WORDS; i < BENCH_FRAME_WORDS; i++)
            words[i] = frame->word[i];
        bench_write_flow(data + GLB_ETH_LEN + BENCH_TUNNEL_BYTES, index);
    } else {
        bench_write_flow(data + GLB_ETH_LEN, index);
    }
    bpf_tail_call(ctx, &bench_subject, 0);
    control->failed++;
    return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
