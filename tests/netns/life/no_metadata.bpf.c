// SPDX-License-Identifier: GPL-2.0
// Emits the event that the data path reports for a driver without XDP metadata. veth itself supports
// metadata.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "abi/events.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 18);
} glb_events SEC(".maps");

const volatile __u32 reported_ifindex = 0;

SEC("xdp")
int no_metadata_prog(struct xdp_md *ctx) {
    struct glb_event *event = bpf_ringbuf_reserve(&glb_events, sizeof *event, 0);
    if (!event)
        return XDP_ABORTED;
    __builtin_memset(event, 0, sizeof *event);
    event->kind = GLB_EVENT_NO_METADATA;
    event->ifindex = reported_ifindex;
    bpf_ringbuf_submit(event, 0);
    return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
