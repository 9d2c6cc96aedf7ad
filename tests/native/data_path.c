// The data path compiled natively from its own source, with another context type.
#include <linux/bpf.h>

#include "tests/native/data_path.h"

#define xdp_md native_frame
#include "glb_xdp.bpf.c"
#undef xdp_md

#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

// Map declarations encode numbers as array bounds and types as pointers, as BTF requires.
#define BOUND(map, field) (sizeof *(map).field / sizeof(int))
#define MAP(map) {#map, &map, BOUND(map, type), sizeof *map.key, sizeof *map.value, BOUND(map, max_entries)},

const struct native_map native_maps[] = {
#include "maps.inc"
    {"glb_maglev", &glb_maglev, BOUND(glb_maglev, type), sizeof *glb_maglev.key, 0,
     BOUND(glb_maglev, max_entries)},
    {"glb_events", &glb_events, BOUND(glb_events, type), 0, 0, BOUND(glb_events, max_entries)},
};
const __u32 native_map_count = sizeof native_maps / sizeof *native_maps;

const __u32 native_fragment = GLB_PKT_FRAGMENT, native_icmp_error = GLB_PKT_ICMP_ERROR,
            native_tcp = GLB_PKT_TCP, native_payload = GLB_PKT_PAYLOAD;
const int native_class_return = GLB_CLASS_RETURN, native_class_spoofed = GLB_CLASS_SPOOFED,
          native_class_endpoint = GLB_CLASS_ENDPOINT;

void native_set_settings(const struct glb_settings *settings) {
    void *to = (void *)&glb_settings;
    __asm__("" : "+r"(to)); // clang removes writes to constant objects
    const unsigned long page = (unsigned long)getpagesize();
    const unsigned long begin = (unsigned long)to & ~(page - 1);
    if (mprotect((void *)begin, (unsigned long)to + sizeof *settings - begin, PROT_READ | PROT_WRITE))
        abort();
    memcpy(to, settings, sizeof *settings);
}

void native_forget_events(void) {
    memset(glb_event_last, 0, sizeof glb_event_last);
    memset(glb_event_rate, 0, sizeof glb_event_rate);
    memset(glb_punt_buckets, 0, sizeof glb_punt_buckets);
}

static void set_flow(const struct glb_packet *packet, struct native_parsed *parsed) {
    struct glb_tuple tuple;
    parsed->orientation = glb_tuple_from(packet, &tuple);
    memcpy(parsed->ends, tuple.low, sizeof tuple.low);
    memcpy(parsed->ends + 4, tuple.high, sizeof tuple.high);
    parsed->tuple_proto = tuple.ip_proto;
    parsed->low_port = tuple.low_port;
    parsed->high_port = tuple.high_port;
}

void native_parse(struct native_frame *ctx, const struct glb_node *node, const struct glb_logical_port *port,
                  struct native_parsed *parsed) {
    struct glb_frame frame = {0};
    struct glb_packet packet = {0};

    memset(parsed, 0, sizeof *parsed);
    parsed->ip = parsed->packet_class = -1;
    parsed->ethernet = glb_parse_ethernet(ctx, &frame);
    if (parsed->ethernet)
        return;
    parsed->l2_len = frame.l2_len;
    parsed->vlan[0] = frame.vlan[0];
    parsed->vlan[1] = frame.vlan[1];
    parsed->eth_proto = frame.eth_proto;
    if (frame.eth_proto != GLB_ETH_IP && frame.eth_proto != GLB_ETH_IPV6)
        return;
    parsed->ip = glb_parse_ip(ctx, frame.l2_len, frame.eth_proto, glb_frame_len(ctx), &packet);
    if (parsed->ip)
        return;
    parsed->l3_len = packet.l3_len;
    parsed->family = packet.family;
    parsed->ip_proto = packet.ip_proto;
    parsed->flags = packet.flags;
    parsed->tcp_flags = packet.tcp_flags;
    parsed->ttl = packet.ttl;
    parsed->tos = packet.tos;
    parsed->sport = packet.sport;
    parsed->dport = packet.dport;
    set_flow(&packet, parsed);
    parsed->packet_class = glb_classify_ip(node, port, &packet);
}
