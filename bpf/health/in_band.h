/* SPDX-License-Identifier: GPL-2.0 */
/* Returned in-band health probes: reported to the controller and consumed. */
#ifndef GLB_HEALTH_IN_BAND_H
#define GLB_HEALTH_IN_BAND_H

#include "parse/l4.h"
#include "pipeline/verdict.h"
#include "telemetry/events.h"

/*
 * Handles an inner packet of the probes' endpoint, whose IP and UDP headers have been parsed. `offset` is
 * that of the inner IP header, `sender` the target that returned it. A target can forge only its own reply:
 * the controller compares sender and nonce.
 */
static __always_inline struct glb_verdict glb_in_band(struct xdp_md *ctx, __u32 offset,
                                                      const struct glb_packet *inner, __be32 sender) {
    if (inner->family != 4 || inner->ip_proto != GLB_IPPROTO_UDP || (inner->flags & GLB_PKT_FRAGMENT))
        return glb_verdict_drop(GLB_DROP_INNER_MALFORMED);
    const struct glb_ipv4 *ip = glb_at(ctx, offset, struct glb_ipv4);
    if (!ip)
        return glb_verdict_drop(GLB_DROP_SHORT_LINEAR);
    const __u32 header = (ip->version_ihl & 0xf) * 4;
    const struct glb_udp *udp = glb_at(ctx, offset + header, struct glb_udp);
    if (!udp)
        return glb_verdict_drop(GLB_DROP_SHORT_LINEAR);
    const __u32 needed = sizeof *udp + sizeof(struct glb_in_band);
    if (bpf_ntohs(udp->len) < needed || inner->l3_len < header + needed)
        return glb_verdict_drop(GLB_DROP_INNER_MALFORMED);
    const struct glb_in_band *probe = glb_at(ctx, offset + header + sizeof *udp, struct glb_in_band);
    if (!probe)
        return glb_verdict_drop(GLB_DROP_SHORT_LINEAR);
    __u32 address[4] = {sender, 0, 0, 0};
    __be64 magic;
    __builtin_memcpy(&magic, &probe->magic, sizeof magic);
    __builtin_memcpy(&address[1], &probe->nonce, sizeof probe->nonce);
    if (magic != bpf_cpu_to_be64(GLB_IN_BAND_MAGIC))
        return glb_verdict_drop(GLB_DROP_INNER_MALFORMED);
    glb_event_probe_reply(GLB_EVENT_IN_BAND, ctx->ingress_ifindex, address);
    return glb_verdict_consume(GLB_COUNT_IN_BAND);
}

#endif
