/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Internet checksum (RFC 1071) and its incremental update (RFC 1624). */
#ifndef GLB_LIB_CHECKSUM_H
#define GLB_LIB_CHECKSUM_H

#include <linux/types.h>

static inline __u16 glb_sum_fold(__u32 sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

/* The sum of 32-bit words, of which 2^15 fit. `count` is a constant. */
static __always_inline __u32 glb_sum_words(const __u32 *words, int count) {
    __u32 sum = 0;
#pragma unroll
    for (int i = 0; i < count; i++)
        sum += (words[i] & 0xffff) + (words[i] >> 16);
    return sum;
}

/* The checksum after a 16-bit word changed; all arguments have the same byte order. RFC 1624, equation 3. */
static inline __u16 glb_sum_update(__u16 check, __u16 before, __u16 after) {
    __u32 sum = (__u16)~check;
    sum += (__u16)~before;
    sum += after;
    return glb_sum_fold(sum);
}

#endif
