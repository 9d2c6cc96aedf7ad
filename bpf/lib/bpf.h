/* SPDX-License-Identifier: GPL-2.0 */
/* Included by every stage: BPF helpers, byte order, and accesses to memory that CPUs share. */
#ifndef GLB_LIB_BPF_H
#define GLB_LIB_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif

#define glb_likely(x) __builtin_expect(!!(x), 1)
#define glb_unlikely(x) __builtin_expect(!!(x), 0)

/* A single load or store of a value that another CPU may change concurrently. */
#define GLB_READ(lvalue) (*(volatile __typeof__(lvalue) *)&(lvalue))
#define GLB_WRITE(lvalue, value) (*(volatile __typeof__(lvalue) *)&(lvalue) = (value))

/* A store that is ordered after all earlier writes (BPF's exchange is fully ordered on every architecture).
 */
#define GLB_PUBLISH(lvalue, value) ((void)__sync_lock_test_and_set(&(lvalue), (value)))

/* Not in the UAPI headers of the oldest supported build system. */
#ifndef GLB_FIB_TBID
#define GLB_FIB_DIRECT (1u << 0)
#define GLB_FIB_TBID (1u << 3)
#endif

#define GLB_ETH_IP 0x0800
#define GLB_ETH_IPV6 0x86dd
#define GLB_ETH_8021Q 0x8100
#define GLB_ETH_8021AD 0x88a8
#define GLB_ETH_LEN 14
#define GLB_VLAN_LEN 4

#define GLB_IPPROTO_HOPOPTS 0
#define GLB_IPPROTO_ICMP 1
#define GLB_IPPROTO_TCP 6
#define GLB_IPPROTO_UDP 17
#define GLB_IPPROTO_ROUTING 43
#define GLB_IPPROTO_FRAGMENT 44
#define GLB_IPPROTO_ICMPV6 58
#define GLB_IPPROTO_DSTOPTS 60
#define GLB_IPPROTO_SCTP 132
#define GLB_IPPROTO_UDPLITE 136

/* Coarse monotonic time in ticks of 2^26 ns (abi/limits.h). */
static __always_inline __u32 glb_now_ticks(void) {
    return (__u32)(bpf_ktime_get_coarse_ns() >> 26);
}

#endif
