/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stages pass to each other. Each struct has one writer; stages get pointers to the structs they use,
 * const if they only read.
 */
#ifndef GLB_PIPELINE_CONTEXT_H
#define GLB_PIPELINE_CONTEXT_H

#include "flow/table_maps.h"

#include "flow/flow_table.h"
#include "parse/packet.h"

/* How the frame arrived, and the configuration it is processed by. Written by glb_process(). */
struct glb_ingress {
    struct glb_frame frame;
    const struct glb_node *node;
    const struct glb_logical_port *port;
    __u32 bank;
};

/* What steering and the verification of returned packets read. Written by glb_steer_ctx_init(). */
struct glb_steer_ctx {
    struct glb_flow_key key;
    __u64 hash; /* steering hash */
    __u32 bank;
    __u32 now;
    __u32 group;
    __u32 packet_flags; /* enum glb_packet_flags */
    __u32 tcp_flags;
    __u32 pad;
};

/* The cookie of the packet if it has no entry. */
static __always_inline __u32 glb_untracked_cookie(const struct glb_steer_ctx *steer) {
    const __u32 ip_proto = steer->key.tuple.ip_proto;
    const int has_ports = (ip_proto == GLB_IPPROTO_TCP || ip_proto == GLB_IPPROTO_UDP) &&
                          !(steer->packet_flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR));
    return glb_flow_untracked_cookie(&steer->key, has_ports, &glb_settings.table_key);
}

/* The entry and target of a packet. Written by glb_steer_hit() or glb_steer_slow() on the outbound leg, by
 * glb_verify_owner() on the return leg. */
struct glb_flow_ref {
    __u64 meta; /* as last read; 0 for an untracked packet */
    __s32 slot; /* GLB_FLOW_NONE for an untracked packet */
    __u32 target;
};

static __always_inline void glb_flow_ref_set(struct glb_flow_ref *flow, __u32 slot, __u64 meta) {
    flow->meta = meta;
    flow->slot = (__s32)slot;
    flow->target = glb_meta_target(meta);
}

/* Without an entry. (An initializer would become a constant in a section of its own, which is one more map.)
 */
static __always_inline void glb_flow_ref_clear(struct glb_flow_ref *flow, __u32 target) {
    flow->meta = 0;
    flow->slot = GLB_FLOW_NONE;
    flow->target = target;
}

/* The GENEVE header of a returned packet. Written by glb_parse_geneve(). */
struct glb_return_info {
    __u64 endpoint_id; /* host order */
    __u32 cookie;
    __u32 inner_offset;
    __u32 inner_proto; /* host order */
    __u32 payload_end; /* offset of the end of the UDP payload, which bounds the inner packet */
};

/*
 * What forwarding reads beside the packet. Written by glb_forward_ctx_flow() for inspected packets,
 * glb_forward_ctx_bypass() for all others.
 */
struct glb_forward_ctx {
    __u32 endpoint;
    __u32 endpoint_flags; /* enum glb_endpoint_flags */
    __u32 bank;
    __u32 route_table;     /* 0: by the node's rules */
    __u32 ingress_ifindex; /* of the FIB look-up */
    __s32 cache_slot;      /* the flow's entry, which caches its egress; GLB_FLOW_NONE: no cache */
    __u32 generation;      /* of that entry */
    __u32 orientation;
    __u32
        route_key; /* what the route of the flow's packets depends on: generation of the routes, DSCP, flow label */
    __u32 now;
};

/* A FIB look-up: its parameters, and the next hop that it found. */
struct glb_route {
    struct bpf_fib_lookup params;
    struct glb_next_hop hop;
};

/*
 * Storage for one packet, since these structs do not fit the 512 bytes of a BPF stack beside the frames of
 * the global functions. Only pipeline/ uses it; stages get pointers to members. One row per CPU is enough:
 * XDP runs with softirqs disabled and does not nest.
 */
struct glb_context {
    struct glb_packet packet; /* as received; the outer packet on the return leg */
    struct glb_packet inner;  /* return leg only */
    struct glb_return_info returned;
    struct glb_steer_ctx steer;
    struct glb_forward_ctx forward;
    struct glb_route route;
};

GLB_PERCPU(glb_context, struct glb_context, 1);

static __always_inline struct glb_context *glb_context_get(void) {
    const __u32 zero = 0;
    return bpf_map_lookup_elem(&glb_context, &zero);
}

#endif
