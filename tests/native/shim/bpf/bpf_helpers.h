/*
 * Replaces libbpf's header of this name when the data path is compiled natively: the macros for maps and
 * sections, and the helpers that the data path uses, as functions of tests/native/kernel.cpp.
 */
#ifndef GLB_NATIVE_BPF_HELPERS_H
#define GLB_NATIVE_BPF_HELPERS_H

#include <linux/types.h>

#include "tests/native/data_path.h"

#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) __typeof__(val) *name
#define __array(name, val) __typeof__(val) *name[]

/* Renamed, since libbpf's user-space API has functions with the names of some helpers. */
#define bpf_map_lookup_elem native_map_lookup_elem
#define bpf_redirect_map native_redirect_map
#define bpf_xdp_get_buff_len native_get_buff_len
#define bpf_xdp_load_bytes native_load_bytes
#define bpf_xdp_adjust_head native_adjust_head
#define bpf_xdp_adjust_tail native_adjust_tail
#define bpf_xdp_adjust_meta native_adjust_meta
#define bpf_fib_lookup(ctx, params, plen, flags) native_fib_lookup(params)
#define bpf_ktime_get_coarse_ns native_now
#define bpf_get_prandom_u32 native_random
#define bpf_get_smp_processor_id() 0u
#define bpf_ringbuf_reserve native_ringbuf_reserve
#define bpf_ringbuf_submit native_ringbuf_submit

#ifdef __cplusplus
extern "C" {
#endif

struct bpf_fib_lookup;

void *native_map_lookup_elem(void *map, const void *key);
long native_redirect_map(void *map, __u64 key, __u64 flags);
__u64 native_get_buff_len(struct native_frame *ctx);
long native_load_bytes(struct native_frame *ctx, __u32 offset, void *to, __u32 size);
long native_adjust_head(struct native_frame *ctx, int delta);
long native_adjust_tail(struct native_frame *ctx, int delta);
long native_adjust_meta(struct native_frame *ctx, int delta);
long native_fib_lookup(struct bpf_fib_lookup *params);
__u64 native_now(void);
__u32 native_random(void);
void *native_ringbuf_reserve(void *ringbuf, __u64 size, __u64 flags);
void native_ringbuf_submit(void *data, __u64 flags);

#ifdef __cplusplus
}
#endif

#endif
