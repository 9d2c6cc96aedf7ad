/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Accesses to whole words at any address. For BPF, clang splits the access to a pointer of unknown alignment into
 * bytes; the supported machines (x86-64, arm64) and their verifiers allow words at every address.
 */
#ifndef GLB_LIB_WORDS_H
#define GLB_LIB_WORDS_H

#include "lib/bpf.h"

#ifdef __bpf__
typedef __u64 __attribute__((may_alias)) glb_word64;
typedef __u32 __attribute__((may_alias)) glb_word32;
#else
typedef __u64 __attribute__((may_alias, aligned(1))) glb_word64;
typedef __u32 __attribute__((may_alias, aligned(1))) glb_word32;
#endif

static __always_inline void glb_store64(void *to, __u64 value) {
    *(glb_word64 *)to = value;
}

static __always_inline void glb_store32(void *to, __u32 value) {
    *(glb_word32 *)to = value;
}

/* Copies the two MAC addresses of an Ethernet header, 12 bytes. */
static __always_inline void glb_copy_macs(void *to, const void *from) {
    glb_store64(to, *(const glb_word64 *)from);
    glb_store32(to + 8, *(const glb_word32 *)(from + 8));
}

/* Copies `bytes`, a constant multiple of 8. */
static __always_inline void glb_copy_words(void *to, const void *from, __u32 bytes) {
#pragma unroll
    for (__u32 at = 0; at < bytes; at += 8)
        glb_store64(to + at, *(const glb_word64 *)(from + at));
}

#endif
