/* SPDX-License-Identifier: GPL-2.0 */
/* The pseudo-header of TCP and UDP (RFC 9293, section 3.1; RFC 8200, section 8.1). */
#ifndef GLB_PARSE_PSEUDO_HEADER_H
#define GLB_PARSE_PSEUDO_HEADER_H

#include "lib/bpf.h"
#include "lib/checksum.h"
#include "parse/packet.h"

/* Its sum for `len` bytes of transport header and payload. Words 1 to 3 of an IPv4 address are 0. */
static __always_inline __u32 glb_pseudo_header_sum(const struct glb_packet *packet, __u32 len) {
    return glb_sum_words(packet->saddr, 4) + glb_sum_words(packet->daddr, 4) + bpf_htons(packet->ip_proto) +
           bpf_htons((__u16)len);
}

#endif
