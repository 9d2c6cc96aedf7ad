/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames that the kernel loses after an XDP redirect, counted as `redirect_failed` (packets only, since the
 * length of the frame is no longer known). Tracepoints cover the whole host, which several nodes may share:
 * the first is filtered by the node's device map, the second, which has no map argument, by the network
 * namespace of the egress.
 */
#include "lib/bpf.h"

#include <bpf/bpf_core_read.h>

#include "abi/config.h"
#include "abi/reasons.h"

/* The data path's map, which the controller substitutes at load. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, GLB_DROP_MAX);
    __type(key, __u32);
    __type(value, struct glb_count);
} glb_drops SEC(".maps");

const volatile __u32 glb_device_map_id = 0;
const volatile __u32 glb_network_namespace = 0; /* inode of /proc/self/ns/net */

/* The kernel's structures, as far as they are read; relocated by its BTF. */
struct ns_common {
    unsigned int inum;
} __attribute__((preserve_access_index));
struct net {
    struct ns_common ns;
} __attribute__((preserve_access_index));
typedef struct {
    struct net *net;
} possible_net_t;
struct net_device {
    possible_net_t nd_net;
} __attribute__((preserve_access_index));

static __always_inline void glb_count_lost(__u64 packets) {
    const __u32 row = GLB_DROP_REDIRECT_FAILED;
    struct glb_count *count = bpf_map_lookup_elem(&glb_drops, &row);
    if (count)
        count->packets += packets;
}

/* (device, program, target, error, map type, map id, index): the frame could not be queued. */
SEC("raw_tp/xdp_redirect_err")
int glb_redirect_error(struct bpf_raw_tracepoint_args *ctx) {
    if ((__u32)ctx->args[5] == glb_device_map_id)
        glb_count_lost(1);
    return 0;
}

/* (from, to, sent, drops, error): the driver accepted fewer frames than it was given. */
SEC("raw_tp/xdp_devmap_xmit")
int glb_redirect_drops(struct bpf_raw_tracepoint_args *ctx) {
    const struct net_device *to = (const struct net_device *)ctx->args[1];
    const int drops = (int)ctx->args[3];
    if (drops > 0 && BPF_CORE_READ(to, nd_net.net, ns.inum) == glb_network_namespace)
        glb_count_lost((__u64)drops);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
