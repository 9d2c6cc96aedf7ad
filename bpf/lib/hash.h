/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The two keyed hashes: NH (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC, CRYPTO 1999) over 32-bit words,
 * with the finaliser of MurmurHash3 (a bijection, so it keeps NH's collision bound of 2^-32 for any two
 * tuples). Compiled for BPF, natively for the tests, and into the controller.
 */
#ifndef GLB_LIB_HASH_H
#define GLB_LIB_HASH_H

#include <linux/types.h>

#include "abi/config.h"

/* Both ends of a flow in canonical order, so that both directions have equal bytes. */
struct glb_tuple {
    __u32 low[4]; /* IPv4: word 0, the rest 0 */
    __u32 high[4];
    __u16 low_port; /* as on the wire */
    __u16 high_port;
    __u8 ip_proto;
    __u8 family; /* 4 or 6 */
    __u16 pad;
};

static inline __u64 glb_hash_finish(__u64 sum) {
    sum ^= sum >> 33;
    sum *= 0xff51afd7ed558ccdull;
    sum ^= sum >> 33;
    sum *= 0xc4ceb9fe1a85ec53ull;
    sum ^= sum >> 33;
    return sum;
}

static inline __u64 glb_nh_pair(__u32 a, __u32 b, __u32 key_a, __u32 key_b) {
    return (__u64)(__u32)(a + key_a) * (__u32)(b + key_b);
}

static inline __u64 glb_nh_addresses(const struct glb_tuple *tuple, const volatile struct glb_nh_key *key) {
    __u64 sum = glb_nh_pair(tuple->low[0], tuple->high[0], key->word[0], key->word[1]);
    if (tuple->family == 6) {
        sum += glb_nh_pair(tuple->low[1], tuple->high[1], key->word[2], key->word[3]);
        sum += glb_nh_pair(tuple->low[2], tuple->high[2], key->word[4], key->word[5]);
        sum += glb_nh_pair(tuple->low[3], tuple->high[3], key->word[6], key->word[7]);
    }
    return sum;
}

/* The flow table's tag: a hash of the endpoint and the whole tuple. */
static inline __u64 glb_hash_tag(const struct glb_tuple *tuple, __u32 endpoint,
                                 const volatile struct glb_nh_key *key) {
    const __u32 ports = ((__u32)tuple->low_port << 16) | tuple->high_port;
    const __u32 rest = (endpoint << 16) | ((__u32)tuple->ip_proto << 8) | tuple->family;
    return glb_hash_finish(glb_nh_addresses(tuple, key) +
                           glb_nh_pair(ports, rest, key->word[8], key->word[9]));
}

/* The steering hash: of the sticky part of the tuple (enum glb_stickiness), equal on all nodes of one
 * hashSeed. */
static inline __u64 glb_hash_steer(const struct glb_tuple *tuple, __u32 stickiness,
                                   const volatile struct glb_nh_key *key) {
    const __u32 ports = stickiness == GLB_STICK_5 ? ((__u32)tuple->low_port << 16) | tuple->high_port : 0;
    const __u32 proto = stickiness == GLB_STICK_2 ? 0 : tuple->ip_proto;
    return glb_hash_finish(glb_nh_addresses(tuple, key) +
                           glb_nh_pair(ports, (proto << 8) | tuple->family, key->word[8], key->word[9]));
}

/* The upper half of a steering hash selects the Maglev slot, its lower 14 bits the entropy port, the bits
 * between them the flows of half-open targets. */
static inline __u32 glb_maglev_slot(__u64 hash) {
    return (__u32)(((hash >> 32) * GLB_MAGLEV_SLOTS) >> 32);
}

static inline __u16 glb_entropy_port(__u64 hash) {
    return (__u16)(0xc000u | (hash & 0x3fffu));
}

/* True for one hash in GLB_HALF_OPEN_SHARE. */
static inline int glb_hash_is_half_open(__u64 hash) {
    return ((hash >> 14) & 0x3ffff) * GLB_HALF_OPEN_SHARE >> 18 == 0;
}

#endif
