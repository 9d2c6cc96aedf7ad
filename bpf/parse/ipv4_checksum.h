/* SPDX-License-Identifier: GPL-2.0 */
/* The checksum of an IPv4 header (RFC 791). */
#ifndef GLB_PARSE_IPV4_CHECKSUM_H
#define GLB_PARSE_IPV4_CHECKSUM_H

#include "lib/words.h"
#include "parse/l4.h"

#define GLB_IPV4_OPTION_WORDS 10

/* The sum of `count` 32-bit words of options at `offset`. Global, so that it is verified once. */
__noinline __u64 glb_ipv4_options_sum(struct xdp_md *ctx, __u32 offset, __u32 count) {
    __u64 sum = 0;
#pragma unroll
    for (__u32 i = 0; i < GLB_IPV4_OPTION_WORDS; i++) {
        const glb_word32 *word = i < count ? glb_at_bytes(ctx, offset + 4 * i, 4) : 0;
        if (word)
            sum += *word;
    }
    return sum;
}

/* Whether the checksum of the IPv4 header at `offset`, which was parsed, is right. */
static __always_inline int glb_ipv4_checksum_ok(struct xdp_md *ctx, __u32 offset) {
    const struct glb_ipv4 *ip = glb_at(ctx, offset, struct glb_ipv4);
    if (!ip)
        return 0;
    const glb_word32 *word = (const glb_word32 *)ip;
    __u64 sum = (__u64)word[0] + word[1] + word[2] + word[3] + word[4];
    const __u32 words = ip->version_ihl & 0xf;
    if (glb_unlikely(words > 5))
        sum += glb_ipv4_options_sum(ctx, offset + sizeof *ip, words - 5);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

#endif
