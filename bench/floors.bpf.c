/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lower bounds of the cost of a packet: returning immediately (the generator's own cost), prepending 68 bytes
 * to a packet, and modifying one random line of memory.
 */
#include "lib/bpf.h"

#include "control.h"
#include "lib/checksum.h"
#include "parse/cursor.h"

struct bench_outer bench_outer;

struct bench_line {
    __u64 word[8];
};

/* Entries as wide as those of the flow table's hot array; sized before load. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4096);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct bench_line);
} bench_memory SEC(".maps");

const volatile __u32 bench_memory_mask = 4095;

SEC("xdp.frags")
int bench_base(struct xdp_md *ctx) {
    return XDP_DROP;
}

SEC("xdp.frags")
int bench_encap_floor(struct xdp_md *ctx) {
    const __u32 inner = glb_frame_len(ctx) - GLB_ETH_LEN;
    if (bpf_xdp_adjust_head(ctx, -BENCH_TUNNEL_BYTES))
        return XDP_ABORTED;
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    if (data + BENCH_OUTER_WORDS * 8 + 2 > end)
        return XDP_ABORTED;
    __u64 *words = data;
#pragma unroll
    for (int i = 0; i < BENCH_OUTER_WORDS; i++)
        words[i] = bench_outer.word[i];
    *(__u16 *)(data + BENCH_OUTER_WORDS * 8) = bench_outer.rest;
    const __u16 total = bpf_htons((__u16)(inner + BENCH_TUNNEL_BYTES));
    *(__u16 *)(data + 16) = total;
    *(__u16 *)(data + 24) = glb_sum_fold(bench_outer.ip_sum + total);
    *(__u16 *)(data + 38) = bpf_htons((__u16)(inner + BENCH_TUNNEL_BYTES - 20));
    return XDP_TX;
}

SEC("xdp.frags")
int bench_memory_floor(struct xdp_md *ctx) {
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    if (data + 30 > end)
        return XDP_ABORTED;
    const __u64 flow = *(__u32 *)(data + 26);
    const __u32 slot = (__u32)((flow * 0x9e3779b97f4a7c15ull) >> 32) & bench_memory_mask;
    struct bench_line *line = bpf_map_lookup_elem(&bench_memory, &slot);
    if (!line)
        return XDP_ABORTED;
    line->word[2]++;
    return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
