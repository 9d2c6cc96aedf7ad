/*
 * The data path compiled natively: bpf/glb_xdp.bpf.c itself, on the fake kernel of kernel.h. For C and C++.
 * data_path.c is the only file that includes both.
 */
#ifndef GLB_NATIVE_DATA_PATH_H
#define GLB_NATIVE_DATA_PATH_H

#include <linux/types.h>

#include "abi/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The data path's struct xdp_md with native pointers. (The kernel's has 32-bit members, whose accesses it
 * translates.) */
struct native_frame {
    unsigned long data;
    unsigned long data_end;
    unsigned long data_meta;
    __u32 ingress_ifindex;
};

/* A map as declared in bpf/maps. Sizes are 0 for maps without keys or values. */
struct native_map {
    const char *name;
    void *map;
    __u32 kind; /* enum bpf_map_type */
    __u32 key_size;
    __u32 value_size;
    __u32 rows;
};
extern const struct native_map native_maps[];
extern const __u32 native_map_count;

/* The whole data path; an XDP code. */
int glb_xdp(struct native_frame *frame);

/* Clears the state of event deduplication, as in a new program. */
void native_forget_events(void);

/* Writes the settings of the load, as the loader does before it loads the program. */
void native_set_settings(const struct glb_settings *settings);

/* The results of parsing and classification. */
struct native_parsed {
    int ethernet;     /* enum glb_parse_result */
    int ip;           /* the same; -1 if the frame is not IP */
    int packet_class; /* enum glb_class; -1 if ip is not 0 */
    __u32 l2_len, vlan[2], eth_proto;
    __u32 l3_len, family, ip_proto, flags, tcp_flags, ttl, tos;
    __u32 sport, dport;
    __u32 orientation;
    __u32 ends[8]; /* of the canonical tuple */
    __u32 tuple_proto, low_port, high_port;
};
void native_parse(struct native_frame *frame, const struct glb_node *node,
                  const struct glb_logical_port *port, struct native_parsed *parsed);

/* enum glb_packet_flags and enum glb_class for C++, which cannot include parse/packet.h. */
extern const __u32 native_fragment, native_icmp_error, native_tcp, native_payload;
extern const int native_class_return, native_class_spoofed, native_class_endpoint;

#ifdef __cplusplus
}
#endif

#endif
