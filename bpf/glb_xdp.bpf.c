/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data path: one XDP program on every interface of the manifest.
 *
 *   parse -> classify -> steer -> encapsulate               outbound: an endpoint's packet, to its target
 *   parse -> classify -> verify -> decapsulate -> forward   return: a packet that a target sent back
 *
 * The stages are in pipeline/ingress.h, outbound.h and return.h. They return a verdict; the switch below
 * turns it into an XDP code and a counter. Counters of bytes add up IP lengths (telemetry/counters.h).
 */
#include "lib/bpf.h"

#include "forward/punt.h"
#include "maps/controller.h"
#include "maps/egress.h"
#include "pipeline/ingress.h"
#include "pipeline/verdict.h"
#include "telemetry/counters.h"
#include "telemetry/events.h"

static __always_inline int glb_count_and_drop(enum glb_drop reason, __u32 bytes) {
    glb_count_drop(reason, bytes);
    return XDP_DROP;
}

static __always_inline int glb_pass_to_stack(enum glb_counter counter, __u32 bytes) {
    glb_count(counter, bytes);
    return XDP_PASS;
}

/* Through the devmap only: the kernel would lose a frame to any other interface without counting it. */
static __always_inline int glb_redirect_out(__u32 ifindex, enum glb_counter counter, __u32 bytes) {
    const int code = bpf_redirect_map(&glb_devmap, ifindex, XDP_DROP);
    if (glb_unlikely(code != XDP_REDIRECT))
        glb_count_drop(GLB_DROP_REDIRECT_FAILED, bytes);
    else
        glb_count(counter, bytes);
    return code;
}

static __always_inline int glb_punt(struct xdp_md *ctx, __u32 argument, enum glb_counter counter,
                                    __u32 bytes) {
    const __u32 endpoint = argument & ~GLB_PUNT_UNLIMITED;
    if (!(argument & GLB_PUNT_UNLIMITED) && !glb_punt_limit_allow(endpoint))
        return glb_count_and_drop(GLB_DROP_PUNT_LIMITED, bytes);
    if (!glb_punt_mark(ctx, endpoint)) {
        const __u32 no_address[4] = {0};
        glb_event_report(GLB_EVENT_NO_METADATA, ctx->ingress_ifindex, 0, no_address);
        return glb_count_and_drop(GLB_DROP_PUNT_FAILED, bytes);
    }
    glb_count(counter, bytes);
    if (counter != GLB_COUNT_RESET_SENT_ON) /* the node's own segment, in place of the endpoint's */
        glb_count_endpoint_forwarded(endpoint, bytes);
    return XDP_PASS;
}

SEC("xdp.frags")
int glb_xdp(struct xdp_md *ctx) {
    __u32 bytes = glb_frame_len(ctx) - GLB_ETH_LEN; /* the kernel drops shorter frames */
    /* Metadata that a frame brings would stay in front of it in the next namespace, however it leaves. */
    if (glb_unlikely(!glb_strip_metadata(ctx)))
        return glb_count_and_drop(GLB_DROP_PUNT_FAILED, bytes);
    const struct glb_verdict verdict = glb_process(ctx, &bytes);

    switch (verdict.action) {
    case GLB_ACTION_PASS:
        return glb_pass_to_stack(verdict.counter, bytes);
    case GLB_ACTION_REDIRECT:
        return glb_redirect_out(verdict.argument, verdict.counter, bytes);
    case GLB_ACTION_PUNT:
        return glb_punt(ctx, verdict.argument, verdict.counter, bytes);
    case GLB_ACTION_CONSUME:
        glb_count(verdict.counter, bytes);
        return XDP_DROP;
    default:
        return glb_count_and_drop(verdict.counter, bytes);
    }
}

char LICENSE[] SEC("license") = "GPL";
