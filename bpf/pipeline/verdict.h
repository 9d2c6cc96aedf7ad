/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a stage decides about a packet. The switch in glb_xdp.bpf.c turns a verdict into an XDP code and a
 * counter. Functions that can only drop a packet or let it continue return an int instead: >= 0, or
 * glb_error(reason).
 */
#ifndef GLB_PIPELINE_VERDICT_H
#define GLB_PIPELINE_VERDICT_H

#include "abi/reasons.h"
#include "lib/bpf.h"

enum glb_action {
    GLB_ACTION_DROP = 0,
    GLB_ACTION_PASS,     /* to the host stack, unmodified */
    GLB_ACTION_REDIRECT, /* argument: interface index, a key of glb_devmap */
    GLB_ACTION_PUNT,    /* to the host stack, as inspected or bypassed traffic; argument: endpoint and flag */
    GLB_ACTION_CONSUME, /* the node was its destination */
};

/* The packet is not one of those that are limited (forward/punt.h). */
#define GLB_PUNT_UNLIMITED (1u << 31)

struct glb_verdict {
    __u32 action; /* enum glb_action */
    __u32 argument;
    __u32 counter; /* enum glb_counter; of a drop: enum glb_drop */
};

static __always_inline struct glb_verdict glb_verdict_drop(enum glb_drop reason) {
    return (struct glb_verdict){.action = GLB_ACTION_DROP, .counter = reason};
}
static __always_inline struct glb_verdict glb_verdict_pass(enum glb_counter counter) {
    return (struct glb_verdict){.action = GLB_ACTION_PASS, .counter = counter};
}
static __always_inline struct glb_verdict glb_verdict_redirect(__u32 ifindex, enum glb_counter counter) {
    return (struct glb_verdict){.action = GLB_ACTION_REDIRECT, .argument = ifindex, .counter = counter};
}
static __always_inline struct glb_verdict glb_verdict_punt(__u32 endpoint, enum glb_counter counter) {
    return (struct glb_verdict){.action = GLB_ACTION_PUNT, .argument = endpoint, .counter = counter};
}
static __always_inline struct glb_verdict glb_verdict_consume(enum glb_counter counter) {
    return (struct glb_verdict){.action = GLB_ACTION_CONSUME, .counter = counter};
}

/* Whether the packet leaves by an interface or through the host stack. */
static __always_inline int glb_verdict_forwards(struct glb_verdict verdict) {
    return verdict.action == GLB_ACTION_REDIRECT || verdict.action == GLB_ACTION_PUNT;
}

/* A verdict in 64 bits, for global functions, which return scalars only. */
static __always_inline __u64 glb_verdict_pack(struct glb_verdict verdict) {
    return verdict.argument | (__u64)verdict.counter << 32 | (__u64)verdict.action << 56;
}
static __always_inline struct glb_verdict glb_verdict_unpack(__u64 packed) {
    return (struct glb_verdict){.action = (__u32)(packed >> 56),
                                .argument = (__u32)packed,
                                .counter = (__u32)(packed >> 32) & 0xffffff};
}

/* A drop reason as a negative result. The complement, since reasons begin at 0. */
static __always_inline int glb_error(enum glb_drop reason) {
    return ~(int)reason;
}
static __always_inline struct glb_verdict glb_verdict_error(int error) {
    return glb_verdict_drop((enum glb_drop) ~error);
}

#endif
