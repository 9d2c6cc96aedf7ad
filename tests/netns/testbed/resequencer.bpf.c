// SPDX-License-Identifier: GPL-2.0
// Emulates a firewall that randomizes sequence numbers: on its way through the appliance's TUN device, a
// client's sequence numbers are shifted, and the server's acknowledgements of them back.
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u16 server_port = 0;
const volatile __u32 shift = 0;

SEC("tc")
int harness_resequence(struct __sk_buff *skb) {
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    struct iphdr *ip = data; // a TUN device has no Ethernet header
    struct tcphdr *tcp = data + sizeof *ip;
    if ((void *)(tcp + 1) > end || ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
        return TC_ACT_OK;
    const int by_server = tcp->source == bpf_htons(server_port);
    if (!by_server && tcp->dest != bpf_htons(server_port))
        return TC_ACT_OK;
    const __be32 before = by_server ? tcp->ack_seq : tcp->seq;
    const __be32 after = bpf_htonl(by_server ? bpf_ntohl(before) - shift : bpf_ntohl(before) + shift);
    const __u32 field = by_server ? offsetof(struct tcphdr, ack_seq) : offsetof(struct tcphdr, seq);
    if (by_server && !tcp->ack)
        return TC_ACT_OK;
    bpf_l4_csum_replace(skb, sizeof *ip + offsetof(struct tcphdr, check), before, after, sizeof after);
    bpf_skb_store_bytes(skb, sizeof *ip + field, &after, sizeof after, 0);
    return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
