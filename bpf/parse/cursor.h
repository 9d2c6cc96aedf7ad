/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bounded access to the frame. glb_at(ctx, offset, type) is a pointer to a `type` at that offset, or NULL if
 * the linear part of the frame ends before its last byte. Offsets are limited to GLB_MAX_OFFSET.
 */
#ifndef GLB_PARSE_CURSOR_H
#define GLB_PARSE_CURSOR_H

#include "lib/frame.h"

#define GLB_MAX_OFFSET 1023

/*
 * The longest chain of IPv6 extension headers, in bytes. The return leg parses a packet behind up to 350 bytes:
 * Ethernet with two tags, IPv4 with options, UDP, and GENEVE with all options (22 + 60 + 8 + 8 + 252). Behind
 * the chain it reads up to the transport header of an ICMPv6 error's quote, 48 bytes further on. What the
 * outbound leg can parse must be parsed alike on its return.
 */
#define GLB_MAX_EXTENSION_BYTES 584
_Static_assert(350 + 40 + GLB_MAX_EXTENSION_BYTES + 48 <= GLB_MAX_OFFSET, "both legs read the same headers");
_Static_assert(350 + 40 + GLB_MAX_EXTENSION_BYTES + 8 + 48 > GLB_MAX_OFFSET, "the longest chain possible");

/*
 * clang may check one copy of an offset and use another, for which the verifier (of Linux 6.1, where the copy was
 * spilled to the stack) has no bounds. The barrier makes it keep the mask at the use, although the check implies it.
 */
static __always_inline void *glb_at_bytes(struct xdp_md *ctx, __u32 offset, __u32 size) {
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;

    if (offset > GLB_MAX_OFFSET)
        return 0;
    __u64 used = offset;
    if (!__builtin_constant_p(offset))
        __asm__("" : "+r"(used));
    void *at = data + (used & GLB_MAX_OFFSET);
    return at + size > end ? 0 : at;
}
#define glb_at(ctx, offset, type) ((type *)glb_at_bytes(ctx, offset, sizeof(type)))

#endif
