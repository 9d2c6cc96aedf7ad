/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lookups in flow tables of several shapes; a hit increments a counter in the entry's line. All have 64-byte entries
 * and two buckets per tag. They differ in the number of ways, the first way that is searched, and the method by which
 * an entry is located in its bucket.
 */
#include "lib/bpf.h"

#include "shape_abi.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4096);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct bench_entry);
} bench_entries SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 512);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct bench_tags);
} bench_tag_lines SEC(".maps");

/* Eight fingerprints for each bucket, one byte per way. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 512);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, __u64);
} bench_fingerprints SEC(".maps");

const volatile __u32 bench_entry_mask = 4095;

#define WAYS 8

static __always_inline struct bench_entry *bench_entry_if(__u32 slot, __u64 tag) {
    struct bench_entry *entry = bpf_map_lookup_elem(&bench_entries, &slot);
    return entry && GLB_READ(entry->meta) && GLB_READ(entry->tag) == tag ? entry : 0;
}

/* Linear search over the ways of both buckets. */
static __always_inline struct bench_entry *bench_walk(__u64 tag, __u32 ways, int from_home) {
    const __u32 mask = (bench_entry_mask + 1) / ways - 1;
    const __u32 begin = from_home ? bench_home_way(tag, ways) : 0;
    for (__u32 i = 0; i < 2 * ways; i++) {
        const __u32 way = (begin + i) & (ways - 1);
        struct bench_entry *entry = bench_entry_if(bench_bucket(tag, i >= ways, mask) * ways + way, tag);
        if (entry)
            return entry;
    }
    return 0;
}

/* A line of complete tags selects the way. */
static __always_inline struct bench_entry *bench_by_tags(__u64 tag) {
    const __u32 mask = (bench_entry_mask + 1) / WAYS - 1;
    for (__u32 which = 0; which < 2; which++) {
        const __u32 bucket = bench_bucket(tag, which, mask);
        const struct bench_tags *line = bpf_map_lookup_elem(&bench_tag_lines, &bucket);
        if (!line)
            return 0;
        for (__u32 way = 0; way < WAYS; way++)
            if (line->tag[way] == tag)
                return bench_entry_if(bucket * WAYS + way, tag);
    }
    return 0;
}

/*
 * A word of one-byte fingerprints selects the ways to compare; one of 255 other entries is a false match. Zero bytes
 * are found as in Warren, Hacker's Delight, section 6-1. The comparison of the tag rejects false matches.
 */
static __always_inline struct bench_entry *bench_by_fingerprints(__u64 tag) {
    const __u32 mask = (bench_entry_mask + 1) / WAYS - 1;
    const __u64 low = 0x0101010101010101ull;
    const __u64 print = bench_fingerprint(tag) * low;
    for (__u32 which = 0; which < 2; which++) {
        const __u32 bucket = bench_bucket(tag, which, mask);
        const __u64 *word = bpf_map_lookup_elem(&bench_fingerprints, &bucket);
        if (!word)
            return 0;
        const __u64 differs = GLB_READ(*word) ^ print;
        __u64 equal = (differs - low) & ~differs & (low << 7);
        for (int i = 0; i < WAYS && equal; i++) {
            /* The lowest marked byte, as its number: its bit shifts that byte of the constant to the top. */
            const __u32 way = (__u32)(((equal & -equal) >> 7) * 0x0001020304050607ull >> 56);
            struct bench_entry *entry = bench_entry_if(bucket * WAYS + way, tag);
            if (entry)
                return entry;
            equal &= equal - 1;
        }
    }
    return 0;
}

static __always_inline struct bench_entry *bench_home_then_fingerprints(__u64 tag) {
    const __u32 mask = (bench_entry_mask + 1) / WAYS - 1;
    struct bench_entry *entry =
        bench_entry_if(bench_bucket(tag, 0, mask) * WAYS + bench_home_way(tag, WAYS), tag);
    return entry ? entry : bench_by_fingerprints(tag);
}

__u64 bench_hits;

/* 0 if the frame is too short. The addresses in use have no tag of 0. */
static __always_inline __u64 bench_tag(struct xdp_md *ctx) {
    void *data = (void *)(long)ctx->data;
    if (data + 30 > (void *)(long)ctx->data_end)
        return 0;
    return bench_tag_of(*(__u32 *)(data + 26));
}

static __always_inline int bench_use(struct bench_entry *entry) {
    if (entry) {
        entry->count[0]++;
        bench_hits++;
    }
    return XDP_DROP;
}

#define BENCH_SHAPE(name, lookup)                                                                            \
    SEC("xdp.frags")                                                                                         \
    int name(struct xdp_md *ctx) {                                                                           \
        const __u64 tag = bench_tag(ctx);                                                                    \
        return bench_use(lookup);                                                                            \
    }

BENCH_SHAPE(bench_8_home, bench_walk(tag, 8, 1))
BENCH_SHAPE(bench_8_first, bench_walk(tag, 8, 0))
BENCH_SHAPE(bench_4_home, bench_walk(tag, 4, 1))
BENCH_SHAPE(bench_8_tags, bench_by_tags(tag))
BENCH_SHAPE(bench_8_fingerprints, bench_by_fingerprints(tag))
BENCH_SHAPE(bench_8_both, bench_home_then_fingerprints(tag))

char LICENSE[] SEC("license") = "GPL";
