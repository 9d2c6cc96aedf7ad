/* SPDX-License-Identifier: GPL-2.0 */
/* The first step of both legs: a packet's flow, as steering and verification read it. */
#ifndef GLB_PIPELINE_STEER_INIT_H
#define GLB_PIPELINE_STEER_INIT_H

#include "lib/hash.h"
#include "pipeline/context.h"

/* An ICMP error that names no flow must not find the entry of one whose tuple it happens to have. */
#define GLB_TAG_NO_QUOTE 0x6e6f71756f7465ull

static __always_inline void glb_steer_ctx_init(struct glb_steer_ctx *steer, const struct glb_packet *packet,
                                               const struct glb_node *node, const struct glb_group *group,
                                               __u32 endpoint_index, __u32 group_index, __u32 bank,
                                               __u32 now) {
    struct glb_flow_key *key = &steer->key;
    key->orientation = glb_tuple_from(packet, &key->tuple);
    key->tag = glb_hash_tag(&key->tuple, endpoint_index, &glb_settings.table_key);
    if (glb_unlikely(packet->flags & GLB_PKT_NO_QUOTE))
        key->tag ^= GLB_TAG_NO_QUOTE;
    key->endpoint = endpoint_index;
    key->tcp = !!(packet->flags & GLB_PKT_TCP);
    steer->hash = glb_hash_steer(&key->tuple, group->stickiness, &node->steer_key);
    steer->bank = bank;
    steer->now = now;
    steer->group = group_index;
    steer->packet_flags = packet->flags;
    steer->tcp_flags = packet->tcp_flags;
}

#endif
