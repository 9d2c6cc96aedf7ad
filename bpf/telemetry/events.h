/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events to the controller. Remote peers can trigger them, so they are deduplicated per key and tick (2^26
 * ns) and limited to GLB_EVENTS_PER_TICK per tick; replies to in-band probes are limited per sender instead.
 * The state is in no map: a new program starts with an empty one. CPUs may overwrite each other's updates, so
 * the limits are soft.
 */
#ifndef GLB_TELEMETRY_EVENTS_H
#define GLB_TELEMETRY_EVENTS_H

#include "abi/events.h"
#include "lib/hash.h"
#include "telemetry/counters.h"

#define GLB_EVENT_ROWS 256
#define GLB_EVENTS_PER_TICK 64
static __u64
    glb_event_last[GLB_EVENT_ROWS]; /* event key (upper half), tick of its last report (lower half) */
static __u64
    glb_event_rate[1 + GLB_EVENT_ROWS]; /* tick, events in it; row 0: all events, others: replies by sender */

/* Takes one of the row's GLB_EVENTS_PER_TICK; 0 when they are used up. */
static __always_inline int glb_event_rate_limit(__u64 *rate, __u64 now) {
    const __u64 seen = GLB_READ(*rate);
    const __u64 number = seen >> 32 == now ? (__u32)seen : 0;
    if (number >= GLB_EVENTS_PER_TICK) {
        glb_count(GLB_COUNT_EVENT_LOST, 0);
        return 0;
    }
    GLB_WRITE(*rate, now << 32 | (number + 1));
    return 1;
}

static __always_inline void glb_event_submit(__u32 kind, __u32 ifindex, __u32 family,
                                             const __u32 address[4]) {
    struct glb_event *event = bpf_ringbuf_reserve(&glb_events, sizeof *event, 0);
    if (!event) {
        glb_count(GLB_COUNT_EVENT_LOST, 0);
        return;
    }
    event->kind = kind;
    event->ifindex = ifindex;
    event->family = family;
    event->endpoint = 0;
#pragma unroll
    for (int i = 0; i < 4; i++)
        event->address[i] = address[i];
    bpf_ringbuf_submit(event, 0);
}

/* Reports a condition that the controller has to resolve. */
static __always_inline void glb_event_report(__u32 kind, __u32 ifindex, __u32 family,
                                             const __u32 address[4]) {
    const __u64 now = glb_now_ticks();
    const __u64 key = glb_hash_finish(((__u64)(address[0] ^ address[2]) << 32 | (address[1] ^ address[3])) +
                                      ((__u64)kind << 32 | ifindex) * 0x9e3779b97f4a7c15ull);
    const __u64 report = (key & 0xffffffff00000000ull) | now;
    __u64 *last = &glb_event_last[key & (GLB_EVENT_ROWS - 1)];
    if (GLB_READ(*last) == report || !glb_event_rate_limit(&glb_event_rate[0], now))
        return;
    GLB_WRITE(*last, report);
    glb_event_submit(kind, ifindex, family, address);
}

/* Reports the reply to an in-band probe. address[0] is its sender. */
static __always_inline void glb_event_probe_reply(__u32 kind, __u32 ifindex, const __u32 address[4]) {
    const __u32 row = 1 + ((__u32)glb_hash_finish(address[0]) & (GLB_EVENT_ROWS - 1));
    if (glb_event_rate_limit(&glb_event_rate[row], glb_now_ticks()))
        glb_event_submit(kind, ifindex, 4, address);
}

#endif
