/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Slots of a tag in the flow tables that are compared, for the programs and for the code that fills the tables. */
#ifndef GLB_BENCH_SHAPE_ABI_H
#define GLB_BENCH_SHAPE_ABI_H

#pragma GCC system_header /* C for both compilers: C++ would warn of its casts, as it does not in bpf/ */

#include <linux/types.h>

#include "lib/hash.h"

/* As wide as a hot line of the flow table; meta 0: free. */
struct bench_entry {
    __u64 tag;
    __u64 meta;
    __u64 count[6];
};

/* The tags of a bucket, in a separate line. */
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

/* The fingerprint of an entry in its bucket's word: a byte of the tag, never 0. */
static inline __u64 bench_fingerprint(__u64 tag) {
    const __u64 byte = (tag >> 50) & 0xff;
    return byte ? byte : 1;
}

#endif
