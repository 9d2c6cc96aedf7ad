/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tc part of the guard, at ingress: sets the bits of skb->mark that are within the guard's mask. A packet
 * with punt metadata gets its endpoint's mark, and the stack receives it by an interface of that endpoint. A
 * packet without it that was received on an endpoint's (interface, VLAN) gets the guard's mark, which nftables
 * drops in the forward hook. All others are unchanged. The program is attached as a clsact filter, which keeps
 * it and its maps alive even if all pins are removed.
 *
 * A punted packet has a destination MAC that the stack does not forward (forward/punt.h). It passes this program
 * on the interface where XDP passed it to the stack, which sends it to the ingress of an interface of its
 * endpoint. If the filter is there too, the packet keeps its MAC until it has passed that one: an XDP program in
 * generic mode runs once more in between, and does not take it for an endpoint's packet.
 */
#include "abi/config.h"
#include "abi/probe.h"
#include "lib/bpf.h"

#define GLB_TC_UNSPEC (-1) /* continue with the next filter */
#define GLB_TC_SHOT 2
#define GLB_PACKET_MULTICAST 2

/* The guard's mark, by (interface, VLANs): glb_logical_port_key(). Written by the controller. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, GLB_MAX_PORTS);
    __type(key, __u64);
    __type(value, struct glb_guard_port);
} glb_guard_ports SEC(".maps");

/* By endpoint index. Written by the controller. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, GLB_MAX_ENDPOINTS);
    __type(key, __u32);
    __type(value, struct glb_guard_endpoint);
} glb_guard_endpoints SEC(".maps");

/* Punt magic of the loaded data path. 0: no metadata is valid. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} glb_guard_magic SEC(".maps");

const volatile __u32 glb_guard_mask = 0x0fff0000;

/*
 * skb->cb[]: the kernel keeps it from the first pass of a punted packet to the second, and nothing outside the
 * kernel can write it. (Metadata would not do: it is lost if a packet socket holds the packet, too.)
 */
enum glb_guard_cb { GLB_GUARD_CB_MAGIC, GLB_GUARD_CB_ENDPOINT };

static __always_inline int glb_guard_set(struct __sk_buff *skb, __u32 mark) {
    skb->mark = (skb->mark & ~glb_guard_mask) | (mark & glb_guard_mask);
    return GLB_TC_UNSPEC;
}

static __always_inline int glb_guard_magic_is(__u32 magic) {
    const __u32 zero = 0;
    const __u32 *valid = bpf_map_lookup_elem(&glb_guard_magic, &zero);
    return valid && *valid && magic == *valid;
}

static __always_inline const struct glb_guard_endpoint *glb_guard_endpoint_of(__u32 index) {
    const struct glb_guard_endpoint *endpoint = bpf_map_lookup_elem(&glb_guard_endpoints, &index);
    return endpoint && endpoint->mark && endpoint->ifindex ? endpoint : 0;
}

/*
 * Gives the packet the host's MAC on the interface where it is. It stays a packet that the stack does not forward: the
 * guard's last chain before the routing decision makes it one for the host if it still has an endpoint's mark, so a
 * mark that is cleared while that chain is missing leads nowhere.
 */
static __always_inline int glb_guard_admit(struct __sk_buff *skb, const struct glb_guard_endpoint *endpoint) {
    skb->cb[GLB_GUARD_CB_MAGIC] = 0;
    if (bpf_skb_store_bytes(skb, 0, endpoint->mac, sizeof endpoint->mac, 0) ||
        bpf_skb_change_type(skb, GLB_PACKET_MULTICAST))
        return GLB_TC_SHOT;
    return glb_guard_set(skb, endpoint->mark);
}

/*
 * The first pass of a punted packet; cb holds its endpoint. A program of its own: one that writes to packets
 * directly gets a prologue by the kernel that unshares them, and that strips the metadata of packets that are also
 * held by a packet socket.
 */
SEC("tc")
int glb_guard_punt(struct __sk_buff *skb) {
    /* The metadata stays in the headroom. A veth that the stack forwards the packet to would disclose the magic
     * to its far end, which could then forge it. */
    struct glb_punt_metadata *metadata = (void *)(long)skb->data_meta;
    if ((void *)(metadata + 1) <= (void *)(long)skb->data)
        *metadata = (struct glb_punt_metadata){};

    /* The filter of an earlier version sets no cb; it may still be active when its program array has this program. */
    if (!glb_guard_magic_is(skb->cb[GLB_GUARD_CB_MAGIC]))
        return GLB_TC_SHOT;
    const struct glb_guard_endpoint *endpoint = glb_guard_endpoint_of(skb->cb[GLB_GUARD_CB_ENDPOINT]);
    if (!endpoint)
        return GLB_TC_SHOT;
    if (endpoint->ifindex == skb->ifindex)
        return glb_guard_admit(skb, endpoint);
    glb_guard_set(skb, endpoint->mark);
    if (!(endpoint->flags & GLB_GUARD_FILTERED) &&
        bpf_skb_store_bytes(skb, 0, endpoint->mac, sizeof endpoint->mac, 0))
        return GLB_TC_SHOT;
    return bpf_redirect(endpoint->ifindex, BPF_F_INGRESS);
}

/* Pinned by the controller: the kernel clears a program array to which neither a process nor a pin refers. */
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct __sk_buff *));
} glb_guard_tailcalls SEC(".maps") = {.values = {[0] = (void *)&glb_guard_punt}};

/* Whether the packet has valid punt metadata. Its endpoint is in cb then. */
static __always_inline int glb_guard_is_punted(struct __sk_buff *skb) {
    const struct glb_punt_metadata *metadata = (void *)(long)skb->data_meta;
    if ((void *)(metadata + 1) > (void *)(long)skb->data || !glb_guard_magic_is(metadata->magic))
        return 0;
    skb->cb[GLB_GUARD_CB_MAGIC] = metadata->magic;
    skb->cb[GLB_GUARD_CB_ENDPOINT] = metadata->endpoint;
    return 1;
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
    if (glb_guard_is_punted(skb)) {
        bpf_tail_call(skb, &glb_guard_tailcalls, 0);
        return GLB_TC_SHOT;
    }
    if (glb_guard_magic_is(skb->cb[GLB_GUARD_CB_MAGIC])) {
        const struct glb_guard_endpoint *endpoint = glb_guard_endpoint_of(skb->cb[GLB_GUARD_CB_ENDPOINT]);
        return endpoint && endpoint->ifindex == skb->ifindex ? glb_guard_admit(skb, endpoint) : GLB_TC_SHOT;
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
