/* SPDX-License-Identifier: GPL-2.0 */
/* Whose flow a returned packet is, and whether its sender owns it; and what that tells about the flow. */
#ifndef GLB_DECAP_OWNER_H
#define GLB_DECAP_OWNER_H

#include "steer/steer.h"
#include "tunnel/decode.h"

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

/* Senders and owners are compared by address: one address may serve several groups. */
static __always_inline int glb_is_owner(__u32 bank, __u32 target, __u32 address_id) {
    const struct glb_target *row = glb_target_row(bank, target);
    return row && row->address_id == address_id;
}

static __always_inline void glb_flow_update_state(struct glb_flow_hot *hot,
                                                  const struct glb_steer_ctx *steering,
                                                  const struct glb_packet *packet, __u32 orientation,
                                                  struct glb_target_count *count) {
    const __u32 now = steering->wish.now;
    __u64 meta = steering->wish.meta;
    const int tcp = !!(packet->flags & GLB_PKT_TCP);
    const int payload = !!(packet->flags & GLB_PKT_PAYLOAD);

    for (int attempt = 0; attempt < 3; attempt++) {
        const __u32 code = glb_meta_code(meta);
        const __u32 next = glb_flow_advance(code, tcp, packet->tcp_flags, payload, orientation);
        if (next == code && (__u32)meta == now && !(meta & GLB_META_OUTSTANDING))
            return;
        const __u64 after = glb_meta_with_seen(glb_meta_with_code(meta, next), now) & ~GLB_META_OUTSTANDING;
        const __u64 before = __sync_val_compare_and_swap(&hot->meta, meta, after);
        if (before == meta) {
            if (code == GLB_FLOW_CLOSED && next != code)
                glb_count(GLB_COUNT_FLOW_REOPENED, 0);
            glb_flow_clear_outstanding(meta, count);
            return;
        }
        if ((before & GLB_META_BUSY) || glb_meta_generation(before) != glb_meta_generation(meta))
            return;
        meta = before;
    }
}

/* A returned packet without an entry: forwarded where it left here untracked a moment ago. */
static __always_inline int glb_verify_untracked(const struct glb_steer_ctx *steering, __u32 address_id) {
    const __u32 bank = steering->wish.bank & 1;
    const struct glb_group *group = glb_group_row(bank, steering->group & (GLB_MAX_GROUPS - 1));
    if (!group || !glb_stamp_is_fresh(glb_stamp_tag(steering), steering->wish.now))
        return GLB_DROP_UNKNOWN_FLOW + 1;
    const __u32 expected =
        glb_steer_without_entry(steering->hash, group, steering->group, steering->wish.now);
    if (!glb_is_owner(bank, expected, address_id)) {
        const __u32 current = (__u32)glb_maglev_pick(steering->hash, group->table, steering->group);
        if (!glb_is_owner(bank, current, address_id))
            return GLB_DROP_UNKNOWN_FLOW + 1;
    }
    glb_count(GLB_COUNT_RETURN_UNTRACKED, 0);
    return 0;
}

/*
 * AWS keys all but TCP and UDP by addresses and protocol: appliances return the newest cookie between two
 * hosts. It fits where it names a live flow of the same endpoint, hosts, protocol and sender. Global: the
 * verifier sees it once.
 */
__noinline int glb_cookie_is_siblings(const struct glb_steer_ctx *steering, __u32 cookie, __u32 address_id) {
    if (!steering)
        return 0;
    const struct glb_tuple *tuple = &steering->wish.tuple;
    const __u32 bank = steering->wish.bank & 1;
    if (tuple->ip_proto == GLB_IPPROTO_TCP || tuple->ip_proto == GLB_IPPROTO_UDP)
        return 0;
    const struct glb_flow_hot *hot = glb_flow_hot_at(cookie >> 8);
    const struct glb_flow_cold *cold = glb_flow_cold_at(cookie >> 8);
    if (!hot || !cold)
        return 0;
    const __u64 meta = GLB_READ(hot->meta);
    if ((meta & GLB_META_BUSY) || !glb_meta_code(meta) || glb_meta_generation(meta) != (cookie & 0xff) ||
        glb_flow_expired(meta, steering->wish.now, bank) ||
        !glb_is_owner(bank, glb_meta_target(meta), address_id))
        return 0;
    int same = cold->endpoint == steering->wish.endpoint && cold->ip_proto == tuple->ip_proto &&
               cold->family == tuple->family && cold->generation == (cookie & 0xff);
    for (int i = 0; i < 4; i++)
        same &= cold->low[i] == tuple->low[i] && cold->high[i] == tuple->high[i];
    const __u64 again = GLB_READ(hot->meta);
    return same && !(again & GLB_META_BUSY) && glb_meta_generation(again) == (cookie & 0xff);
}

/*
 * Finds the flow's entry. The cookie is a hint: where its slot does not hold this very tuple, the table is
 * searched. 0 with steering->slot filled in (GLB_FLOW_NONE for untracked), or a drop reason + 1.
 */
static __always_inline int glb_verify_owner(struct glb_steer_ctx *steering,
                                            const struct glb_return_info *returned, __u32 group_flags) {
    const __u32 hint = returned->cookie >> 8;
    __u32 slot = hint;
    __u64 meta = glb_flow_read(hint, steering->wish.tag);

    if (glb_unlikely(!meta)) {
        int found = glb_flow_search(steering->wish.tag, glb_settings.bucket_mask, 0xffffffff);
        if (found < 0)
            found = glb_flow_migrate(&steering->wish);
        slot = (__u32)found;
        meta = found < 0 ? 0 : glb_flow_read(slot, steering->wish.tag);
    }
    if (!meta) {
        steering->slot = GLB_FLOW_NONE;
        return glb_verify_untracked(steering, returned->address_id);
    }
    if (!glb_is_owner(steering->wish.bank & 1, glb_meta_target(meta), returned->address_id))
        return GLB_DROP_WRONG_TARGET + 1;
    if (glb_unlikely(glb_flow_is_reset(glb_meta_code(meta))))
        return GLB_DROP_FLOW_RESET + 1;
    if (glb_unlikely(glb_cookie(slot, meta) != returned->cookie) &&
        !glb_cookie_is_siblings(steering, returned->cookie, returned->address_id)) {
        if ((group_flags & GLB_GROUP_STRICT_COOKIE) && !glb_is_migrating())
            return GLB_DROP_COOKIE_MISMATCH + 1;
        glb_count(GLB_COUNT_COOKIE_STALE, 0);
    }
    steering->slot = (__s32)slot;
    steering->wish.meta = meta;
    steering->target = glb_meta_target(meta);
    return 0;
}

#endif
