/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The outbound leg's choice of a target: by the flow's entry, on a miss by Maglev; and whether a flow gets an
 * entry.
 */
#ifndef GLB_STEER_STEER_H
#define GLB_STEER_STEER_H

#include "flow/migrate.h"
#include "flow/target_policy.h"
#include "health/passive.h"
#include "pipeline/context.h"
#include "steer/maglev.h"
#include "steer/source_limit.h"

enum glb_steered {
    GLB_STEERED_NONE = 0,    /* no target of the group accepts the flow */
    GLB_STEERED_TO = 1,      /* to the target in struct glb_flow_ref */
    GLB_STEERED_LIMITED = 2, /* a new flow beyond its source's rate */
    GLB_STEERED_RESET = 3,   /* its target resets the flow in struct glb_flow_ref (reset/decide.h) */
};

/* Whether the packet is a TCP segment that starts a flow: a bare SYN. */
static __always_inline int glb_begins_flow(const struct glb_steer_ctx *steer) {
    if (steer->packet_flags & GLB_PKT_TCP)
        return (steer->tcp_flags & (GLB_TCP_SYN | GLB_TCP_ACK | GLB_TCP_RST)) == GLB_TCP_SYN;
    return 0;
}

/* What a packet of a flow without an entry is to it. A flow of another protocol than TCP that was sent
 * untracked within the last two minutes has begun. */
static __always_inline enum glb_first_packet glb_first_packet_of(const struct glb_steer_ctx *steer) {
    if (!(steer->packet_flags & GLB_PKT_TCP))
        return glb_stamp_is_fresh(steer->key.tag, steer->now) ? GLB_FIRST_MIDSTREAM : GLB_FIRST_BEGINS;
    if (glb_begins_flow(steer))
        return GLB_FIRST_BEGINS;
    return (steer->tcp_flags & (GLB_TCP_SYN | GLB_TCP_ACK | GLB_TCP_RST)) == (GLB_TCP_SYN | GLB_TCP_ACK)
               ? GLB_FIRST_SYNACK
               : GLB_FIRST_MIDSTREAM;
}

/*
 * The tag by which an untracked packet is stamped. An ICMP error has the tuple of the packet it quotes, but
 * is no evidence that a packet of that flow was sent, so its stamp is another one.
 */
static __always_inline __u64 glb_stamp_tag(const struct glb_steer_ctx *steer) {
    return steer->packet_flags & GLB_PKT_ICMP_ERROR ? ~steer->key.tag : steer->key.tag;
}

/* Steers without an entry and makes none: fragments, ICMP errors, and flows that found no place in the table or
 * are beyond their source's rate. */
static __always_inline int glb_steer_untracked(const struct glb_steer_ctx *steer,
                                               const struct glb_group *group, struct glb_flow_ref *flow) {
    glb_flow_ref_clear(flow, glb_steer_without_entry(steer->hash, group, steer->group, steer->now));
    if (flow->target == GLB_NO_TARGET)
        return GLB_STEERED_NONE;
    glb_stamp_set(glb_stamp_tag(steer), steer->now);
    if (!(steer->packet_flags & GLB_PKT_FRAGMENT)) /* no flow that lacks a place: fragment_early */
        glb_count(GLB_COUNT_UNTRACKED, 0);
    return GLB_STEERED_TO;
}

/* Counts a flow that got its entry. `begins`: by its first packet, not midstream. */
static __always_inline void glb_account_new_flow(__u32 target, int begins, int attempted) {
    struct glb_target_count *count = glb_target_count_at(target);
    glb_count(begins ? GLB_COUNT_FLOW_NEW : GLB_COUNT_FLOW_MIDSTREAM, 0);
    if (begins && (glb_target_state_of(target) & (GLB_TARGET_ACCEPT_NEW | GLB_TARGET_HALF_OPEN)) ==
                      GLB_TARGET_HALF_OPEN)
        glb_count(GLB_COUNT_HALF_OPEN_FLOW, 0);
    if (!count)
        return;
    count->new_flows++;
    if (attempted)
        count->attempted++;
}

/* Steers a packet whose flow has no entry, and inserts one. An enum glb_steered. */
static __always_inline int glb_steer_new(const struct glb_steer_ctx *steer, const struct glb_group *group,
                                         struct glb_flow_ref *flow) {
    const int keyed_by_ports = !(steer->packet_flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR));
    if (!keyed_by_ports)
        return glb_steer_untracked(steer, group, flow);

    const enum glb_first_packet packet = glb_first_packet_of(steer);
    const int begins = packet == GLB_FIRST_BEGINS;
    const __u32 target = begins && group->stickiness == GLB_STICK_5 && !glb_is_migrating()
                             ? (__u32)glb_maglev_pick(steer->hash, group->table, steer->group)
                             : glb_steer_without_entry(steer->hash, group, steer->group, steer->now);
    if (target == GLB_NO_TARGET)
        return GLB_STEERED_NONE;
    if (!glb_source_limit_allow(&steer->key, steer->bank, steer->now, packet))
        return begins ? GLB_STEERED_LIMITED : glb_steer_untracked(steer, group, flow);
    struct glb_flow_insert_args args = {.bank = steer->bank,
                                        .now = steer->now,
                                        .target = target,
                                        .attempted = begins && glb_seen_test_any(steer->key.endpoint)};
    const int slot = glb_flow_insert(&steer->key, &args, glb_settings.bucket_mask);
    if (slot < 0)
        return glb_steer_untracked(steer, group, flow);
    glb_account_new_flow(target, begins, args.attempted);
    glb_flow_ref_set(flow, (__u32)slot, args.meta);
    return GLB_STEERED_TO;
}

/* The flow's target does not keep it: moves it to another target, in its entry. The cookie stays. An ICMP error
 * goes to that target too, but changes no entry. */
static __always_inline int glb_resteer(const struct glb_steer_ctx *steer, const struct glb_group *group,
                                       struct glb_flow_hot *hot, __u32 slot, __u64 meta,
                                       struct glb_flow_ref *flow) {
    const __u32 target = (__u32)glb_maglev_pick(steer->hash, group->table, steer->group);
    if (target == GLB_NO_TARGET)
        return GLB_STEERED_NONE;
    if (steer->packet_flags & GLB_PKT_ICMP_ERROR) {
        glb_flow_ref_clear(flow, target);
        return GLB_STEERED_TO;
    }
    const __u64 moved =
        glb_meta_with_seen(glb_meta_with_target(meta, target), steer->now) & ~GLB_META_OUTSTANDING;
    if (glb_flow_update(hot, meta, moved) == meta) {
        glb_count(GLB_COUNT_FLOW_RESTEERED, 0);
        glb_flow_ref_set(flow, slot, moved);
        return GLB_STEERED_TO;
    }
    /* Another CPU moved the flow or advanced its state. If its target still does not keep it, its next packet
     * retries.
     */
    const __u64 other = glb_flow_read(slot, steer->key.tag);
    if (other && glb_target_keeps(glb_meta_target(other), glb_meta_code(other))) {
        glb_flow_ref_set(flow, slot, other);
        return GLB_STEERED_TO;
    }
    glb_flow_ref_set(flow, slot, moved);
    return GLB_STEERED_TO;
}

/* Starts a new TCP flow in the entry of an earlier flow of its tuple, which is closed, expired or without a
 * target. */
static __always_inline int glb_restart_flow(const struct glb_steer_ctx *steer, const struct glb_group *group,
                                            struct glb_flow_hot *hot, __u32 slot, __u64 meta,
                                            struct glb_flow_ref *flow) {
    const __u32 target = group->stickiness == GLB_STICK_5
                             ? (__u32)glb_maglev_pick(steer->hash, group->table, steer->group)
                             : glb_steer_without_entry(steer->hash, group, steer->group, steer->now);
    if (target == GLB_NO_TARGET)
        return GLB_STEERED_NONE;
    if (!glb_source_limit_allow(&steer->key, steer->bank, steer->now, GLB_FIRST_BEGINS))
        return GLB_STEERED_LIMITED;
    struct glb_flow_insert_args args = {.bank = steer->bank,
                                        .now = steer->now,
                                        .target = target,
                                        .attempted = glb_seen_test_any(steer->key.endpoint)};
    /* Accepts packets of the earlier flow that return while the entry is busy. */
    glb_stamp_set(steer->key.tag, steer->now);
    const int restarted = glb_flow_restart(hot, slot, meta, &steer->key, &args, glb_settings.bucket_mask);
    if (restarted >= 0) {
        glb_account_new_flow(target, 1, args.attempted);
        glb_flow_ref_set(flow, (__u32)restarted, args.meta);
        return GLB_STEERED_TO;
    }
    /* Another CPU was first: this packet uses its entry, or if that is busy the hash alone. */
    const __u64 other = glb_flow_read(slot, steer->key.tag);
    if (!other)
        return glb_steer_untracked(steer, group, flow);
    glb_flow_ref_set(flow, slot, other);
    return GLB_STEERED_TO;
}

/* Everything but a plain hit. An enum glb_steered. Global, so that it is verified once. */
__noinline int glb_steer_slow(const struct glb_steer_ctx *steer, struct glb_flow_ref *flow) {
    if (!steer || !flow)
        return GLB_STEERED_NONE;
    const struct glb_group *group = glb_group_row(steer->bank & 1, steer->group & (GLB_MAX_GROUPS - 1));
    if (!group)
        return GLB_STEERED_NONE;
    int slot = glb_flow_lookup(steer->key.tag, glb_settings.bucket_mask, 0xffffffff);
    if (slot < 0)
        slot = glb_flow_migrate(&steer->key, steer->bank, steer->now);
    if (slot < 0)
        return glb_steer_new(steer, group, flow);
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)slot);
    const __u64 meta = glb_flow_read((__u32)slot, steer->key.tag);
    if (!hot || !meta)
        return glb_steer_new(steer, group, flow);

    const __u32 code = glb_meta_code(meta);
    const int ended = code >= GLB_FLOW_CLOSED || glb_flow_expired(meta, steer->now, steer->bank & 1);
    const int kept = glb_target_keeps(glb_meta_target(meta), code);
    const int tracked = !(steer->packet_flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR));
    if (tracked && (ended || !kept) && glb_begins_flow(steer))
        return glb_restart_flow(steer, group, hot, (__u32)slot, meta, flow);
    glb_flow_ref_set(flow, (__u32)slot, meta);
    if (glb_reset_applies(meta))
        return GLB_STEERED_RESET;
    if (!kept)
        return glb_resteer(steer, group, hot, (__u32)slot, meta, flow);
    return GLB_STEERED_TO;
}

/*
 * A plain hit reads one line: the entry is in the home way, was seen recently, is neither closed nor reset,
 * and its target keeps it. TCP flags are not examined: a SYN on such an entry is a packet of its flow.
 * Everything else (0) is steered by glb_steer_slow().
 */
static __always_inline int glb_steer_hit(const struct glb_steer_ctx *steer, struct glb_flow_ref *flow) {
    const __u32 slot = glb_flow_candidate(steer->key.tag, glb_settings.bucket_mask, 0);
    const __u64 meta = glb_flow_read(slot, steer->key.tag);
    const __u32 code = glb_meta_code(meta);
    if (glb_likely(meta && code < GLB_FLOW_CLOSED && (__s32)(steer->now - (__u32)meta) < GLB_CLOSED_TICKS &&
                   glb_target_keeps(glb_meta_target(meta), code))) {
        glb_flow_ref_set(flow, slot, meta);
        return 1;
    }
    return 0;
}

#endif
