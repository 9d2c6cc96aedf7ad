/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The out leg: which target gets this packet. Flow table first, Maglev on a miss; and whether the flow gets
 * an entry.
 */
#ifndef GLB_STEER_STEER_H
#define GLB_STEER_STEER_H

#include "flow/migrate.h"
#include "health/passive.h"
#include "parse/packet.h"
#include "pipeline/steer_context.h"
#include "reset/decide.h"
#include "steer/maglev.h"
#include "steer/source_limit.h"

/* What steering comes to. */
enum glb_steered {
    GLB_STEERED_NONE = 0,    /* no target takes it */
    GLB_STEERED_TO = 1,      /* steering->target does */
    GLB_STEERED_LIMITED = 2, /* a new flow of a source that has opened too many */
    GLB_STEERED_RESET = 3,   /* its flow is reset: steering->reset says what becomes of the packet */
};

/* A packet that begins a flow: a bare SYN, or another protocol's first one (no entry, no fresh stamp). */
static __always_inline int glb_begins_flow(const struct glb_steer_ctx *steering) {
    if (steering->packet_flags & GLB_PKT_TCP)
        return (steering->tcp_flags & (GLB_TCP_SYN | GLB_TCP_ACK | GLB_TCP_RST)) == GLB_TCP_SYN;
    return 0;
}

static __always_inline __u32 glb_cookie(__u32 slot, __u64 meta) {
    return (slot << 8) | glb_meta_generation(meta);
}

static __always_inline void glb_steering_done(struct glb_steer_ctx *steering, __u32 slot, __u64 meta) {
    steering->slot = (__s32)slot;
    steering->target = glb_meta_target(meta);
    steering->cookie = glb_cookie(slot, meta);
}

/* Whether the target keeps a flow of this code: `hold` binds established flows alone. */
static __always_inline int glb_target_keeps(__u32 target, __u32 code) {
    const __u64 wanted =
        glb_flow_is_established(code) ? GLB_TARGET_KEEP_ESTABLISHED : GLB_TARGET_KEEP_EMBRYONIC;
    return (glb_target_state_of(target) & wanted) != 0;
}

/*
 * By what an untracked packet is stamped. An ICMP error has the tuple of the packet that it quotes, and
 * vouches for itself alone: whoever quotes a flow has not seen it begin.
 */
static __always_inline __u64 glb_stamp_tag(const struct glb_steer_ctx *steering) {
    return steering->packet_flags & GLB_PKT_ICMP_ERROR ? ~steering->wish.tag : steering->wish.tag;
}

/* No entry, and none is made: fragments, ICMP errors, and flows that found no place. */
static __always_inline int glb_steer_untracked(struct glb_steer_ctx *steering,
                                               const struct glb_group *group) {
    steering->slot = GLB_FLOW_NONE;
    steering->cookie = 0;
    steering->target = glb_steer_without_entry(steering->hash, group, steering->group, steering->wish.now);
    if (steering->target == GLB_NO_TARGET)
        return GLB_STEERED_NONE;
    glb_stamp_set(glb_stamp_tag(steering), steering->wish.now);
    glb_count(GLB_COUNT_UNTRACKED, 0);
    return GLB_STEERED_TO;
}

/* Counts a flow that got its entry, as a new one or in mid-flow. */
static __always_inline void glb_account_new_flow(const struct glb_flow_insert_args *wish, __u32 target,
                                                 int begins) {
    struct glb_target_count *count = glb_target_count_at(target);
    glb_count(begins ? GLB_COUNT_FLOW_NEW : GLB_COUNT_FLOW_MIDSTREAM, 0);
    if (begins && (glb_target_state_of(target) & (GLB_TARGET_ACCEPT_NEW | GLB_TARGET_HALF_OPEN)) ==
                      GLB_TARGET_HALF_OPEN)
        glb_count(GLB_COUNT_HALF_OPEN_FLOW, 0);
    if (!count)
        return;
    count->new_flows++;
    if (wish->tried)
        count->tried++;
}

/*
 * Steers a packet that met no live entry of its own. `slot` is GLB_FLOW_NONE, or names an entry of this very
 * tag that is closed or expired, or whose target is gone, and `meta` what it held. An enum glb_steered.
 */
static __always_inline int glb_steer_new(struct glb_steer_ctx *steering, const struct glb_group *group) {
    struct glb_flow_insert_args *wish = &steering->wish;
    const int keyed_by_ports = !(steering->packet_flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR));
    if (!keyed_by_ports)
        return glb_steer_untracked(steering, group);

    int begins = glb_begins_flow(steering);
    if (!(steering->packet_flags & GLB_PKT_TCP))
        begins = !glb_stamp_is_fresh(wish->tag, wish->now);
    const __u32 target = begins && group->stickiness == GLB_STICK_5 && !glb_is_migrating()
                             ? (__u32)glb_maglev_pick(steering->hash, group->table, steering->group)
                             : glb_steer_without_entry(steering->hash, group, steering->group, wish->now);
    if (target == GLB_NO_TARGET)
        return GLB_STEERED_NONE;
    if (begins && !glb_source_limit_allow(wish))
        return GLB_STEERED_LIMITED;
    wish->target = target;
    wish->tried = begins && glb_seen_test_any(wish->endpoint);
    const int slot = glb_flow_claim(wish, glb_settings.bucket_mask);
    if (slot < 0)
        return glb_steer_untracked(steering, group);
    glb_account_new_flow(wish, target, begins);
    glb_steering_done(steering, (__u32)slot, wish->meta);
    return GLB_STEERED_TO;
}

/* The flow's target is gone: another one takes it over, in place. The cookie stays. */
static __always_inline int glb_resteer(struct glb_steer_ctx *steering, const struct glb_group *group,
                                       struct glb_flow_hot *hot, __u32 slot, __u64 meta) {
    const __u32 target = (__u32)glb_maglev_pick(steering->hash, group->table, steering->group);
    if (target == GLB_NO_TARGET)
        return GLB_STEERED_NONE;
    const __u64 moved =
        glb_meta_with_seen(glb_meta_with_target(meta, target), steering->wish.now) & ~GLB_META_OUTSTANDING;
    if (__sync_val_compare_and_swap(&hot->meta, meta, moved) == meta) {
        glb_count(GLB_COUNT_FLOW_RESTEERED, 0);
        glb_steering_done(steering, slot, moved);
        return GLB_STEERED_TO;
    }
    /* Somebody moved it, or its state, meanwhile: where it still has no target, its next packet tries again.
     */
    const __u64 other = glb_flow_read(slot, steering->wish.tag);
    if (other && glb_target_keeps(glb_meta_target(other), glb_meta_code(other))) {
        glb_steering_done(steering, slot, other);
        return GLB_STEERED_TO;
    }
    glb_steering_done(steering, slot, moved);
    return GLB_STEERED_TO;
}

/* Begins a new flow, of TCP, in the entry of an older one of its tuple (closed, expired, or without a
 * target). */
static __always_inline int glb_restart_flow(struct glb_steer_ctx *steering, const struct glb_group *group,
                                            struct glb_flow_hot *hot, __u32 slot, __u64 meta) {
    struct glb_flow_insert_args *wish = &steering->wish;
    wish->target = group->stickiness == GLB_STICK_5
                       ? (__u32)glb_maglev_pick(steering->hash, group->table, steering->group)
                       : glb_steer_without_entry(steering->hash, group, steering->group, wish->now);
    if (wish->target == GLB_NO_TARGET)
        return GLB_STEERED_NONE;
    if (!glb_source_limit_allow(wish))
        return GLB_STEERED_LIMITED;
    wish->tried = glb_seen_test_any(wish->endpoint);
    glb_stamp_set(wish->tag,
                  wish->now); /* what comes back while the entry is written finds its way by this */
    const int kept = glb_flow_renew(hot, slot, meta, wish, glb_settings.bucket_mask);
    if (kept >= 0) {
        glb_account_new_flow(wish, wish->target, 1);
        glb_steering_done(steering, (__u32)kept, wish->meta);
        return GLB_STEERED_TO;
    }
    /* Another CPU was faster: its choice, or for this one packet the hash alone. */
    const __u64 other = glb_flow_read(slot, wish->tag);
    if (!other)
        return glb_steer_untracked(steering, group);
    glb_steering_done(steering, slot, other);
    return GLB_STEERED_TO;
}

/* All that is no plain hit; an enum glb_steered. Global: the verifier sees it once. */
__noinline int glb_steer_slow(struct glb_steer_ctx *steering) {
    if (!steering)
        return GLB_STEERED_NONE;
    struct glb_flow_insert_args *wish = &steering->wish;
    const struct glb_group *group = glb_group_row(wish->bank & 1, steering->group & (GLB_MAX_GROUPS - 1));
    if (!group)
        return GLB_STEERED_NONE;
    int slot = glb_flow_search(wish->tag, glb_settings.bucket_mask, 0xffffffff);
    if (slot < 0)
        slot = glb_flow_migrate(wish);
    if (slot < 0)
        return glb_steer_new(steering, group);
    struct glb_flow_hot *hot = glb_flow_hot_at((__u32)slot);
    const __u64 meta = glb_flow_read((__u32)slot, wish->tag);
    if (!hot || !meta)
        return glb_steer_new(steering, group);

    const __u32 code = glb_meta_code(meta);
    const int over = code >= GLB_FLOW_CLOSED || glb_flow_expired(meta, wish->now, wish->bank & 1);
    const int kept = glb_target_keeps(glb_meta_target(meta), code);
    const int tracked = !(steering->packet_flags & (GLB_PKT_FRAGMENT | GLB_PKT_ICMP_ERROR));
    if (tracked && (over || !kept) && glb_begins_flow(steering))
        return glb_restart_flow(steering, group, hot, (__u32)slot, meta);
    if (glb_reset_applies(meta)) {
        steering->reset = glb_reset_decide(steering, hot, meta);
        return GLB_STEERED_RESET;
    }
    if (!kept)
        return glb_resteer(steering, group, hot, (__u32)slot, meta);
    glb_steering_done(steering, (__u32)slot, meta);
    return GLB_STEERED_TO;
}

/*
 * The plain hit reads one line: the home way, a live target, and no SYN that may begin a flow. Everything
 * else goes to glb_steer_slow().
 */
static __always_inline int glb_steer(struct glb_steer_ctx *steering) {
    const struct glb_flow_insert_args *wish = &steering->wish;
    const __u32 slot = glb_flow_place(wish->tag, glb_settings.bucket_mask, 0);
    const __u64 meta = glb_flow_read(slot, wish->tag);
    const __u32 code = glb_meta_code(meta);
    /* Old enough that it might have expired, closed or reset: the slow path judges. */
    if (glb_likely(meta && code < GLB_FLOW_CLOSED && wish->now - (__u32)meta < GLB_CLOSED_TICKS &&
                   glb_target_keeps(glb_meta_target(meta), code))) {
        glb_steering_done(steering, slot, meta);
        return GLB_STEERED_TO;
    }
    return glb_steer_slow(steering);
}

#endif
