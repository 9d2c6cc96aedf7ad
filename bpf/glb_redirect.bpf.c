/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel drops of the data path's packets after the program has ended. Frames that it loses after an XDP
 * redirect are counted as `redirect_failed` (packets only, since the length of the frame is no longer known),
 * punted packets that the host's firewall drops as `host_firewall`. Tracepoints cover the whole host, which
 * several nodes may share: the first is filtered by the node's device map, the others, which have no map argument,
 * by the network namespace.
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

/* The node's bits of the mark are in its row. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct glb_control);
} glb_control SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, GLB_BANKS);
    __type(key, __u32);
    __type(value, struct glb_node);
} glb_node SEC(".maps");

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

struct sk_buff {
    struct net_device *dev;
    unsigned int len;
    unsigned int mark;
} __attribute__((preserve_access_index));
enum skb_drop_reason { SKB_DROP_REASON_NETFILTER_DROP = 12 };

static __always_inline void glb_count_lost(enum glb_drop reason, __u64 packets, __u64 bytes) {
    const __u32 row = reason;
    struct glb_count *count = bpf_map_lookup_elem(&glb_drops, &row);
    if (count) {
        count->packets += packets;
        count->bytes += bytes;
    }
}

/*
 * Whether the mark is an endpoint's, which only punted packets have. The guard's own marks are all ones, or lack one of
 * the three lowest bits.
 */
static __always_inline int glb_is_endpoint_mark(__u32 mark) {
    const __u32 zero = 0;
    const struct glb_control *control = bpf_map_lookup_elem(&glb_control, &zero);
    const __u32 bank = control ? GLB_READ(control->bank) & 1 : 0;
    const struct glb_node *node = bpf_map_lookup_elem(&glb_node, &bank);
    if (!node)
        return 0;
    const __u32 mask = node->mark_mask, unset = mask & ~mark, lowest = mask & -mask;
    return mark & mask && unset && unset != lowest && unset != lowest * 2 && unset != lowest * 4;
}

/* (device, program, target, error, map type, map id, index): the frame could not be queued. */
SEC("raw_tp/xdp_redirect_err")
int glb_redirect_error(struct bpf_raw_tracepoint_args *ctx) {
    if ((__u32)ctx->args[5] == glb_device_map_id)
        glb_count_lost(GLB_DROP_REDIRECT_FAILED, 1, 0);
    return 0;
}

/* (from, to, sent, drops, error): the driver accepted fewer frames than it was given. */
SEC("raw_tp/xdp_devmap_xmit")
int glb_redirect_drops(struct bpf_raw_tracepoint_args *ctx) {
    const struct net_device *to = (const struct net_device *)ctx->args[1];
    const int drops = (int)ctx->args[3];
    if (drops > 0 && BPF_CORE_READ(to, nd_net.net, ns.inum) == glb_network_namespace)
        glb_count_lost(GLB_DROP_REDIRECT_FAILED, (__u64)drops, 0);
    return 0;
}

/* (packet, location, reason) */
SEC("raw_tp/kfree_skb")
int glb_punt_filtered(struct bpf_raw_tracepoint_args *ctx) {
    const struct sk_buff *skb = (const struct sk_buff *)ctx->args[0];
    if ((__u32)ctx->args[2] != bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NETFILTER_DROP))
        return 0;
    if (glb_is_endpoint_mark(BPF_CORE_READ(skb, mark)) &&
        BPF_CORE_READ(skb, dev, nd_net.net, ns.inum) == glb_network_namespace)
        glb_count_lost(GLB_DROP_HOST_FIREWALL, 1, BPF_CORE_READ(skb, len));
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
