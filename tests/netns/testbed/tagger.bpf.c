// SPDX-License-Identifier: GPL-2.0
// harness_tag emulates a host on a VLAN: it pushes a tag, chosen by source address, on every outgoing IP
// packet. ARP and neighbour discovery stay untagged, since the node has no VLAN device to answer them.
// harness_untag emulates the node's VLAN device: it removes the tags at ingress, after the other filters.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define OTHERS 4

const volatile __u16 vlan = 100;
const volatile __u32 other_source[OTHERS]; // IPv4 addresses in network order with another tag
const volatile __u16 other_vlan[OTHERS];   // 0: untagged

static __always_inline int push(struct __sk_buff *skb, __u16 id) {
    return id && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), id) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int harness_tag(struct __sk_buff *skb) {
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    __u16 id = vlan;
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        struct iphdr *ip = data + ETH_HLEN;
        if ((void *)(ip + 1) > end)
            return TC_ACT_OK;
        for (int i = 0; i < OTHERS; i++)
            if (other_source[i] && ip->saddr == other_source[i])
                id = other_vlan[i];
    } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
        struct ipv6hdr *ip = data + ETH_HLEN;
        if ((void *)(ip + 1) > end)
            return TC_ACT_OK;
        __u8 *icmp_type = (void *)(ip + 1);
        if (ip->nexthdr == 58 && ((void *)(icmp_type + 1) > end || (*icmp_type >= 133 && *icmp_type <= 137)))
            return TC_ACT_OK;
    } else {
        return TC_ACT_OK;
    }
    return push(skb, id);
}

SEC("tc")
int harness_untag(struct __sk_buff *skb) {
    if (skb->vlan_present)
        bpf_skb_vlan_pop(skb);
    return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
