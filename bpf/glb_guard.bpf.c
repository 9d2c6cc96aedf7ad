/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tc part of the guard, at ingress: sets the bits of skb->mark that are within the guard's mask. A packet
 * with punt metadata gets its endpoint's mark. A packet without it that was received on an endpoint's
 * (interface, VLAN) gets the guard's mark, which nftables drops in the forward hook. All others are
 * unchanged. The program is attached as a clsact filter, which keeps it and its maps alive even if all pins
 * are removed.
 */
#include "abi/config.h"
#include "abi/probe.h"
#include "lib/bpf.h"

#define GLB_TC_UNSPEC (-1) /* continue with the next filter */

/* The guard's mark, by (interface, VLANs): glb_logical_port_key(). Written by the controller. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, GLB_MAX_PORTS);
    __type(key, __u64);
    __type(value, struct glb_guard_port);
} glb_guard_ports SEC(".maps");

/* The endpoint's mark, by endpoint index. Written by the controller. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, GLB_MAX_ENDPOINTS);
    __type(key, __u32);
    __type(value, __u32);
} glb_guard_marks SEC(".maps");

/* Punt magic of the loaded data path. 0: no metadata is valid. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} glb_guard_magic SEC(".maps");

const volatile __u32 glb_guard_mask = 0x0fff0000;

/*
 * Clears the punt metadata, which stays in the packet's headroom: a veth that the stack forwards the packet
 * to would disclose the magic to its far end, which could then forge it. This is a separate program because
 * the kernel gives a program that writes to packets a prologue that unshares them, and that strips the
 * metadata of packets that are also held by a packet socket.
 */
SEC("tc")
int glb_guard_wipe(struct __sk_buff *skb) {
    struct glb_punt_metadata *metadata = (void *)(long)skb->data_meta;

    if ((void *)(metadata + 1) <= (void *)(long)skb->data)
        *metadata = (struct glb_punt_metadata){};
    return GLB_TC_UNSPEC;
}

/* Pinned by the controller: the kernel clears a program array to which neither a process nor a pin refers. */
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct __sk_buff *));
} glb_guard_tailcalls SEC(".maps") = {.values = {[0] = (void *)&glb_guard_wipe}};

static __always_inline int glb_guard_set(struct __sk_buff *skb, __u32 mark) {
    skb->mark = (skb->mark & ~glb_guard_mask) | (mark & glb_guard_mask);
    return GLB_TC_UNSPEC;
}

/* The endpoint's mark of a packet with valid punt metadata, else 0. */
static __always_inline __u32 glb_guard_punt_mark(struct __sk_buff *skb) {
    const struct glb_punt_metadata *metadata = (void *)(long)skb->data_meta;
    const __u32 zero = 0;

    if ((void *)(metadata + 1) > (void *)(long)skb->data)
        return 0;
    const __u32 *magic = bpf_map_lookup_elem(&glb_guard_magic, &zero);
    if (!magic || !*magic || metadata->magic != *magic)
        return 0;
    const __u32 endpoint = metadata->endpoint;
    const __u32 *mark = bpf_map_lookup_elem(&glb_guard_marks, &endpoint);
    return mark ? *mark : 0;
}

struct glb_guard_tag {
    __be16 tci;
    __be16 eth_proto;
};

/* The VLAN id of the tag at `offset` in the frame's data if `proto` is a tag's; else 0. */
static __always_inline __u16 glb_guard_inner_vlan(struct __sk_buff *skb, __u32 offset, __be16 proto,
                                                  __be16 *next_proto) {
    struct glb_guard_tag tag;
    if ((proto != bpf_htons(GLB_ETH_8021Q) && proto != bpf_htons(GLB_ETH_8021AD)) ||
        bpf_skb_load_bytes(skb, offset, &tag, sizeof tag))
        return 0;
    *next_proto = tag.eth_proto;
    return bpf_ntohs(tag.tci) & 0xfff;
}

SEC("tc")
int glb_guard(struct __sk_buff *skb) {
    const __u32 punt_mark = glb_guard_punt_mark(skb);
    if (punt_mark) {
        glb_guard_set(skb, punt_mark);
        bpf_tail_call(skb, &glb_guard_tailcalls, 0);
        return GLB_TC_UNSPEC;
    }

    __u16 vlan[2] = {0, 0};
    __u32 tags = 0;
    __be16 next = 0;
    if (skb->vlan_present) {
        vlan[0] = skb->vlan_tci & 0xfff;
        tags = vlan[0] != 0;
    }
    __u16 id = glb_guard_inner_vlan(skb, GLB_ETH_LEN, (__be16)skb->protocol, &next);
    if (id)
        vlan[tags++ & 1] = id;
    if (tags < 2 && next) {
        id = glb_guard_inner_vlan(skb, GLB_ETH_LEN + GLB_VLAN_LEN, next, &next);
        if (id)
            vlan[tags & 1] = id;
    }
    const __u64 key = glb_logical_port_key(skb->ifindex, vlan[0], vlan[1]);
    const struct glb_guard_port *port = bpf_map_lookup_elem(&glb_guard_ports, &key);
    return port && port->mark ? glb_guard_set(skb, port->mark) : GLB_TC_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
