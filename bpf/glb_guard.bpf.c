/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guard's half in the kernel's ingress: overwrites the bits of skb->mark that are ours. A packet with the
 * door's metadata gets its endpoint's mark; one that came by an endpoint's (interface, VLAN) without it gets
 * the guard's mark, which nftables drops on forward; any other is left alone. Attached as a clsact filter, so
 * that it holds when every pin is gone: its maps live as long as the filter does.
 */
#include "abi/config.h"
#include "abi/probe.h"
#include "lib/bpf.h"

#define GLB_TC_UNSPEC (-1) /* go on with what else is attached */

/* (interface, VLANs) by glb_logical_port_key(): the guard's mark. Written by the controller. */
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

/* Magic of the loaded data path: 0 lets nothing through. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} glb_guard_magic SEC(".maps");

const volatile __u32 glb_guard_mask = 0x0fff0000;

/*
 * The door's metadata stays in the packet's headroom, and so travels to the far end of the veth by which the
 * stack forwards it: who reads the magic there could forge it. A program of its own, since one that writes to
 * packets is given a prologue that unshares them, and takes the metadata off any that a packet socket holds.
 */
SEC("tc")
int glb_guard_wipe(struct __sk_buff *skb) {
    struct glb_punt_metadata *door = (void *)(long)skb->data_meta;

    if ((void *)(door + 1) <= (void *)(long)skb->data)
        *door = (struct glb_punt_metadata){};
    return GLB_TC_UNSPEC;
}

/* Pinned by the controller: the kernel empties an array of programs that no process and no pin holds. */
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

/* The endpoint's mark where the door's metadata is in front, else 0. */
static __always_inline __u32 glb_guard_punt_mark(struct __sk_buff *skb) {
    const struct glb_punt_metadata *door = (void *)(long)skb->data_meta;
    const __u32 zero = 0;

    if ((void *)(door + 1) > (void *)(long)skb->data)
        return 0;
    const __u32 *magic = bpf_map_lookup_elem(&glb_guard_magic, &zero);
    if (!magic || !*magic || door->magic != *magic)
        return 0;
    const __u32 endpoint = door->endpoint;
    const __u32 *mark = bpf_map_lookup_elem(&glb_guard_marks, &endpoint);
    return mark ? *mark : 0;
}

struct glb_guard_tag {
    __be16 tci;
    __be16 eth_proto;
};

/* The VLAN id of the tag at `offset` in the frame's data, where `proto` says that there is one; else 0. */
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
    const __u32 door = glb_guard_punt_mark(skb);
    if (door) {
        glb_guard_set(skb, door);
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
