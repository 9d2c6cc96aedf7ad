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
 * The sender must be a target's address and, if that is on-link, have the target's MAC. 0 with its row, or
 * glb_error().
 */
static __always_inline int glb_sender_check(struct xdp_md *ctx, __u32 bank, const struct glb_packet *outer,
                                            const struct glb_sender **found) {
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
    *found = sender;
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
 * Whether the cookie names a live flow of the same endpoint and sender that shares what appliances key the
 * packet's header by. AWS keys packets other than TCP and UDP by their own addresses and protocol only, and
 * appliances return the newest cookie of that key: of another flow between the hosts or, for an ICMP error,
 * of another flow of the host to which the router sends errors. A fragment has its datagram's cookie, or that
 * of another fragment.
 */
static __always_inline int glb_cookie_is_siblings(const struct glb_steer_ctx *steer,
                                                  const struct glb_packet *inner, __u32 cookie,
                                                  __u32 address_id) {
    const struct glb_tuple *tuple = &steer->key.tuple;
    const __u32 bank = steer->bank & 1;
    const int error = steer->packet_flags & GLB_PKT_ICMP_ERROR;
    if ((tuple->ip_proto == GLB_IPPROTO_TCP || tuple->ip_proto == GLB_IPPROTO_UDP) &&
        !(steer->packet_flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR)))
        return 0;
    const struct glb_flow_hot *hot = glb_flow_hot_at(cookie >> 8);
    const struct glb_flow_cold *cold = glb_flow_cold_at(cookie >> 8);
    if (!hot || !cold)
        return 0;
    const __u64 meta = GLB_READ(hot->meta);
    if ((meta & GLB_META_BUSY) || !glb_meta_code(meta) || glb_meta_generation(meta) != (cookie & 0xff) ||
        glb_flow_expired(meta, steer->now, bank) || !glb_is_owner(bank, glb_meta_target(meta), address_id))
        return 0;
    const int same = cold->endpoint == steer->key.endpoint && cold->family == tuple->family &&
                     cold->generation == (cookie & 0xff) && (error || cold->ip_proto == tuple->ip_proto);
    int low = 1, high = 1;
    for (int i = 0; i < 4; i++) {
        low &= cold->low[i] == (error ? inner->daddr[i] : tuple->low[i]);
        high &= cold->high[i] == (error ? inner->daddr[i] : tuple->high[i]);
    }
    return same && (error ? low | high : low & high) && glb_flow_is_same(GLB_READ(hot->meta), meta);
}

#define GLB_COOKIE_GENERATIONS 8

/*
 * Whether the cookie is that of an entry that the flow had: its slot is one in which the flow's entry can be, and has
 * had that generation lately. The entry was evicted, or the flow began anew, while the packet was at its appliance.
 */
static __always_inline int glb_cookie_was_flows(const struct glb_steer_ctx *steer, __u32 cookie) {
    const __u32 bucket = (cookie >> 8) / GLB_FLOW_WAYS;
    const int is_candidate = bucket == glb_flow_bucket(steer->key.tag, glb_settings.bucket_mask, 0) ||
                             bucket == glb_flow_bucket(steer->key.tag, glb_settings.bucket_mask, 1);
    const struct glb_flow_hot *hot = glb_flow_hot_at(cookie >> 8);
    if (!is_candidate || !hot)
        return 0;
    const __u32 since = (glb_meta_generation(GLB_READ(hot->meta)) - cookie) & 0xff;
    return since < GLB_COOKIE_GENERATIONS; /* 0: withdrawn, its twin stays */
}

/*
 * Whether a cookie other than that of the packet's entry shows that the packet was sent to this sender.
 * `inner` is the returned packet. Global, so that it is verified once.
 */
__noinline int glb_cookie_is_valid(const struct glb_steer_ctx *steer, const struct glb_packet *inner,
                                   __u32 cookie, __u32 address_id) {
    if (!steer || !inner)
        return 0;
    return cookie == glb_untracked_cookie(steer) || glb_cookie_was_flows(steer, cookie) ||
           glb_cookie_is_siblings(steer, inner, cookie, address_id);
}

/*
 * Whether a packet of this sender needs a valid cookie. Whoever can send from the address of a target whose
 * MAC is not checked could inject packets otherwise. While a table is migrated, packets with the previous
 * one's cookies are on their way.
 */
static __always_inline int glb_needs_cookie(const struct glb_sender *sender, __u32 group_flags) {
    return (!sender->mac || (group_flags & GLB_GROUP_STRICT_COOKIE)) && !glb_is_migrating();
}

/*
 * A returned packet without an entry is accepted if its flow was sent untracked within
 * GLB_STAMP_FRESH_SECONDS, and its sender is the target that the hash selects. If the sender's MAC is not
 * checked, it needs the cookie of such a packet too. 0, or glb_error().
 */
static __always_inline int glb_verify_untracked(const struct glb_steer_ctx *steer,
                                                const struct glb_packet *inner, __u32 cookie,
                                                const struct glb_sender *sender) {
    const __u32 bank = steer->bank & 1;
    const struct glb_group *group = glb_group_row(bank, steer->group & (GLB_MAX_GROUPS - 1));
    if (!group || !glb_stamp_is_fresh(glb_stamp_tag(steer), steer->now))
        return glb_error(GLB_DROP_UNKNOWN_FLOW);
    const __u32 expected = glb_steer_without_entry(steer->hash, group, steer->group, steer->now);
    if (!glb_is_owner(bank, expected, sender->address_id)) {
        const __u32 current = (__u32)glb_maglev_pick(steer->hash, group->table, steer->group);
        if (!glb_is_owner(bank, current, sender->address_id))
            return glb_error(GLB_DROP_UNKNOWN_FLOW);
    }
    if (glb_needs_cookie(sender, 0) && !glb_cookie_is_valid(steer, inner, cookie, sender->address_id))
        return glb_error(GLB_DROP_COOKIE_MISMATCH);
    glb_count(GLB_COUNT_RETURN_UNTRACKED, 0);
    return 0;
}

/*
 * Finds the flow of a returned packet, `inner`, and checks that its sender owns it. The cookie is a hint: if
 * its slot does not hold the packet's tuple, the table is searched. 0 with `flow` set, or glb_error().
 */
static __always_inline int glb_verify_owner(const struct glb_steer_ctx *steer, const struct glb_packet *inner,
                                            __u32 cookie, const struct glb_sender *sender, __u32 group_flags,
                                            struct glb_flow_ref *flow) {
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
        return glb_verify_untracked(steer, inner, cookie, sender);
    }
    if (!glb_is_owner(steer->bank & 1, glb_meta_target(meta), sender->address_id))
        return glb_error(GLB_DROP_WRONG_TARGET);
    if (glb_unlikely(glb_flow_is_reset(glb_meta_code(meta))))
        return glb_error(GLB_DROP_FLOW_RESET);
    if (glb_unlikely(glb_flow_cookie(slot, meta) != cookie) &&
        !glb_cookie_is_valid(steer, inner, cookie, sender->address_id)) {
        if (glb_needs_cookie(sender, group_flags))
            return glb_error(GLB_DROP_COOKIE_MISMATCH);
        glb_count(GLB_COUNT_COOKIE_STALE, 0);
    }
    glb_flow_ref_set(flow, slot, meta);
    return 0;
}

#endif
