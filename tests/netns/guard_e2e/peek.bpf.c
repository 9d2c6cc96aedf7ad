/* SPDX-License-Identifier: GPL-2.0 */
/* Searches the eight bytes of metadata in front of received frames, as any program at a veth's peer can. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 wanted = 0; /* a word that must not occur */
__u64 frames = 0, found = 0;

static __always_inline void peek(const __u32 *words, const void *end) {
    if ((const void *)(words + 2) <= end && (words[0] == wanted || words[1] == wanted))
        __sync_fetch_and_add(&found, 1);
}

SEC("tc")
int forgery_peek_tc(struct __sk_buff *skb) {
    __sync_fetch_and_add(&frames, 1);
    peek((void *)(long)skb->data_meta, (void *)(long)skb->data);
    return TC_ACT_UNSPEC;
}

SEC("xdp")
int forgery_peek_xdp(struct xdp_md *ctx) {
    __sync_fetch_and_add(&frames, 1);
    if (!bpf_xdp_adjust_meta(ctx, -8)) {
        peek((void *)(long)ctx->data_meta, (void *)(long)ctx->data);
        bpf_xdp_adjust_meta(ctx, 8);
    }
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
