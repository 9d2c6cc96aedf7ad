// SPDX-License-Identifier: GPL-2.0
// A host that speaks one VLAN: pushes its tag on every IP packet of `tagged` sources that leaves. ARP and
// neighbour discovery stay untagged, since the node has no VLAN device to answer them.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u16 vlan = 100;
const volatile __u32 untagged_source = 0; // an IPv4 address in network order that stays untagged

SEC("tc")
int harness_tag(struct __sk_buff *skb) {
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        struct iphdr *ip = data + ETH_HLEN;
        if ((void *)(ip + 1) > end || ip->saddr == untagged_source)
            return TC_ACT_OK;
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
    return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan) ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
