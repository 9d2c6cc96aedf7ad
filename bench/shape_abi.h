/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Places of a tag in the flow tables that are compared; the same for the programs and for who fills them. */
#ifndef GLB_BENCH_SHAPE_ABI_H
#define GLB_BENCH_SHAPE_ABI_H

#pragma GCC system_header /* C for both compilers: C++ would warn of its casts, as it does not in bpf/ */

#include <linux/types.h>

#include "lib/hash.h"

/* As wide as a hot line of the flow table; meta 0 is free. */
struct bench_entry {
    __u64 tag;
    __u64 meta;
    __u64 count[6];
};

/* A bucket's tags on a line of their own. */
struct bench_tags {
    __u64 tag[8];
};

static inline __u64 bench_tag_of(__u32 flow_address) {
    return glb_hash_finish(flow_address + 0x1234567ull);
}

static inline __u32 bench_bucket(__u64 tag, __u32 which, __u32 bucket_mask) {
    const __u32 first = (__u32)tag & bucket_mask;
    __u32 second = (__u32)(tag >> 21) & bucket_mask;
    if (second == first)
        second ^= 1;
    return which ? second : first;
}

static inline __u32 bench_home_way(__u64 tag, __u32 ways) {
    return (__u32)(tag >> 61) & (ways - 1);
}

/* A byte of the tag, never 0: what a bucket's word of fingerprints holds for an entry. */
static inline __u64 bench_fingerprint(__u64 tag) {
    const __u64 byte = (tag >> 50) & 0xff;
    return byte ? byte : 1;
}

#endif
