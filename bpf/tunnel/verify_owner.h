/* SPDX-License-Identifier: GPL-2.0 */
/* The checks of a returned packet: its sender, its endpoint, its flow, and whether the sender owns that flow.
 */
#ifndef GLB_TUNNEL_VERIFY_OWNER_H
#define GLB_TUNNEL_VERIFY_OWNER_H

#include "parse/ethernet.h"
#include "steer/steer.h"
#include "telemetry/events.h"
#include "tunnel/decode.h"

/*
 * The sender must be a target's address and, if that is on-link, have the target's MAC. 0 with its address
 * id, or glb_error().
 */
static __always_inline int glb_sender_check(struct xdp_md *ctx, __u32 bank, const struct glb_packet *outer,
                                            __u32 *address_id) {
    const struct glb_sender *sender = glb_sender_find(bank, outer->saddr[0]);
    if (!sender)
        return glb_error(GLB_DROP_UNKNOWN_SENDER);
    if (sender->mac) {
        const struct glb_eth *eth = glb_at(ctx, 0, struct glb_eth);
        if (!eth || glb_mac_number(eth->source) != sender->mac) {
            __u32 address[4] = {outer->saddr[0], 0, 0, 0};
            if (eth)
                __builtin_memcpy(&address[1], eth->source, 6);
            glb_event_report(GLB_EVENT_SENDER_MAC, ctx->ingress_ifindex, 4, address);
            return glb_error(GLB_DROP_SENDER_MAC);
        }
    }
    *address_id = sender->address_id;
    return 0;
}

/* The index of an endpoint id, or -1. */
static __always_inline int glb_endpoint_find(__u32 bank, __u64 id) {
#pragma unroll
    for (__u32 probe = 0; probe < GLB_PROBES; probe++) {
        const __u32 row = bank * GLB_ENDPOINT_ID_SLOTS + glb_probe_slot(id, probe, GLB_ENDPOINT_ID_SLOTS);
        const struct glb_endpoint_id *entry = bpf_map_lookup_elem(&glb_endpoint_ids, &row);
        if (entry && entry->used && entry->id == id)
            return (int)(entry->index & (GLB_MAX_ENDPOINTS - 1));
    }
    return -1;
}

/* Senders and owners are compared by address, since one address may serve several groups. */
static __always_inline int glb_is_owner(__u32 bank, __u32 target, __u32 address_id) {
    const struct glb_target *row = glb_target_row(bank, target);
    return row && row->address_id == address_id;
}

/*
 * A returned packet without an entry is accepted if its flow was sent untracked within
 * GLB_STAMP_FRESH_SECONDS, and its sender is the target that the hash selects. 0, or glb_error().
 */
static __always_inline int glb_verify_untracked(const struct glb_steer_ctx *steer, __u32 address_id) {
    const __u32 bank = steer->bank & 1;
    const struct glb_group *group = glb_group_row(bank, steer->group & (GLB_MAX_GROUPS - 1));
    if (!group || !glb_stamp_is_fresh(glb_stamp_tag(steer), steer->now))
        return glb_error(GLB_DROP_UNKNOWN_FLOW);
    const __u32 expected = glb_steer_without_entry(steer->hash, group, steer->group, steer->now);
    if (!glb_is_owner(bank, expected, address_id)) {
        const __u32 current = (__u32)glb_maglev_pick(steer->hash, group->table, steer->group);
        if (!glb_is_owner(bank, current, address_id))
            return glb_error(GLB_DROP_UNKNOWN_FLOW);
    }
    glb_count(GLB_COUNT_RETURN_UNTRACKED, 0);
    return 0;
}

/*
 * AWS keys flows other than TCP and UDP by addresses and protocol only: appliances return the newest cookie
 * between two hosts. That cookie is valid if it names a live flow of the same endpoint, hosts, protocol and
 * sender. Global, so that it is verified once.
 */
__noinline int glb_cookie_is_siblings(const struct glb_steer_ctx *steer, __u32 cookie, __u32 address_id) {
    if (!steer)
        return 0;
    const struct glb_tuple *tuple = &steer->key.tuple;
    const __u32 bank = steer->bank & 1;
    if (tuple->ip_proto == GLB_IPPROTO_TCP || tuple->ip_proto == GLB_IPPROTO_UDP)
        return 0;
    const struct glb_flow_hot *hot = glb_flow_hot_at(cookie >> 8);
    const struct glb_flow_cold *cold = glb_flow_cold_at(cookie >> 8);
    if (!hot || !cold)
        return 0;
    const __u64 meta = GLB_READ(hot->meta);
    if ((meta & GLB_META_BUSY) || !glb_meta_code(meta) || glb_meta_generation(meta) != (cookie & 0xff) ||
        glb_flow_expired(meta, steer->now, bank) || !glb_is_owner(bank, glb_meta_target(meta), address_id))
        return 0;
    int same = cold->endpoint == steer->key.endpoint && cold->ip_proto == tuple->ip_proto &&
               cold->family == tuple->family && cold->generation == (cookie & 0xff);
    for (int i = 0; i < 4; i++)
        same &= cold->low[i] == tuple->low[i] && cold->high[i] == tuple->high[i];
    const __u64 again = GLB_READ(hot->meta);
    return same && glb_flow_is_same(again, meta);
}

/*
 * Finds the flow of a returned packet and checks that its sender owns it. The cookie is a hint: if its slot
 * does not hold the packet's tuple, the table is searched. 0 with `flow` set, or glb_error().
 */
static __always_inline int glb_verify_owner(const struct glb_steer_ctx *steer, __u32 cookie, __u32 address_id,
                                            __u32 group_flags, struct glb_flow_ref *flow) {
    const __u32 hint = cookie >> 8;
    __u32 slot = hint;
    __u64 meta = glb_flow_read(hint, steer->key.tag);

    if (glb_unlikely(!meta)) {
        int found = glb_flow_lookup(steer->key.tag, glb_settings.bucket_mask, 0xffffffff);
        if (found < 0)
            found = glb_flow_migrate(&steer->key, steer->bank, steer->now);
        slot = (__u32)found;
        meta = found < 0 ? 0 : glb_flow_read(slot, steer->key.tag);
    }
    if (!meta) {
        glb_flow_ref_clear(flow, GLB_NO_TARGET);
        return glb_verify_untracked(steer, address_id);
    }
    if (!glb_is_owner(steer->bank & 1, glb_meta_target(meta), address_id))
        return glb_error(GLB_DROP_WRONG_TARGET);
    if (glb_unlikely(glb_flow_is_reset(glb_meta_code(meta))))
        return glb_error(GLB_DROP_FLOW_RESET);
    if (glb_unlikely(glb_flow_cookie(slot, meta) != cookie) &&
        !glb_cookie_is_siblings(steer, cookie, address_id)) {
        if ((group_flags & GLB_GROUP_STRICT_COOKIE) && !glb_is_migrating())
            return glb_error(GLB_DROP_COOKIE_MISMATCH);
        glb_count(GLB_COUNT_COOKIE_STALE, 0);
    }
    glb_flow_ref_set(flow, slot, meta);
    return 0;
}

#endif
