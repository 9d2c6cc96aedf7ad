/* SPDX-License-Identifier: GPL-2.0 */
/* What a stage decides. One switch, in glb_xdp.bpf.c, turns it into an XDP code and a counter. */
#ifndef GLB_VERDICT_H
#define GLB_VERDICT_H

#include "abi/reasons.h"
#include "lib/bpf.h"

enum glb_action {
    GLB_PASS_OTHER = 0, /* nothing of ours: up to the kernel untouched */
    GLB_PASS_LOCAL,     /* the node's own */
    GLB_DROP,           /* argument: enum glb_drop */
    GLB_ENCAP_REDIRECT, /* to a target; argument: interface index */
    GLB_FORWARD,        /* inspected; argument: interface index */
    GLB_PUNT,           /* inspected, for the kernel's stack; argument: endpoint */
    GLB_BYPASS,         /* uninspected, by policy; argument: interface index */
    GLB_BYPASS_PUNT,    /* the same, for the kernel's stack; argument: endpoint */
    GLB_RESET,          /* a RST to the far end of a flow that is reset; argument: interface index */
    GLB_RESET_PUNT,     /* the same, for the kernel's stack; argument: endpoint */
    GLB_ANSWER,         /* back to its sender, whose flow is reset; argument: interface index */
    GLB_CONSUMED,       /* it has told what it had to; argument: enum glb_counter */
};

struct glb_verdict {
    __u32 action;
    __u32 argument;
};

static __always_inline struct glb_verdict glb_pass(enum glb_action action) {
    return (struct glb_verdict){.action = action, .argument = 0};
}
static __always_inline struct glb_verdict glb_drop(enum glb_drop reason) {
    return (struct glb_verdict){.action = GLB_DROP, .argument = reason};
}
static __always_inline struct glb_verdict glb_redirect(__u32 ifindex) {
    return (struct glb_verdict){.action = GLB_ENCAP_REDIRECT, .argument = ifindex};
}
static __always_inline struct glb_verdict glb_forward_to(__u32 ifindex) {
    return (struct glb_verdict){.action = GLB_FORWARD, .argument = ifindex};
}
static __always_inline struct glb_verdict glb_answer(__u32 ifindex) {
    return (struct glb_verdict){.action = GLB_ANSWER, .argument = ifindex};
}
static __always_inline struct glb_verdict glb_consumed(enum glb_counter counter) {
    return (struct glb_verdict){.action = GLB_CONSUMED, .argument = counter};
}
static __always_inline struct glb_verdict glb_punt_metadata(__u32 endpoint) {
    return (struct glb_verdict){.action = GLB_PUNT, .argument = endpoint};
}

#endif
