// SPDX-License-Identifier: GPL-2.0
// Tells the controller what the data path tells it of a driver without XDP metadata, which no veth is.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "abi/events.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 18);
} glb_events SEC(".maps");

const volatile __u32 doorless = 0; /* an interface's index */

SEC("xdp")
int no_door_prog(struct xdp_md *ctx) {
    struct glb_event *event = bpf_ringbuf_reserve(&glb_events, sizeof *event, 0);
    if (!event)
        return XDP_ABORTED;
    __builtin_memset(event, 0, sizeof *event);
    event->kind = GLB_EVENT_NO_METADATA;
    event->ifindex = doorless;
    bpf_ringbuf_submit(event, 0);
    return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
