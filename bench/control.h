/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Variables in the .bss of the bench's programs, mapped by the bench. */
#ifndef GLB_BENCH_CONTROL_H
#define GLB_BENCH_CONTROL_H

#include <linux/types.h>

#define BENCH_FRAME_WORDS 16 /* 128 bytes: all headers of a returned packet */
#define BENCH_PLAIN_WORDS 7  /* 56 bytes: Ethernet, IPv4, TCP */
#define BENCH_TUNNEL_BYTES 68

/* A template. */
struct bench_frame {
    __u64 word[BENCH_FRAME_WORDS]; /* its headers */
    __u32 length;                  /* of the complete frame that the subject receives */
    __u32 tunnelled;
};

/* Input and state of the generator. */
struct bench_control {
    struct bench_frame frame[2];
    __u32 turn;      /* index of the next frame */
    __u32 alternate; /* 1: both frames are used in turn */
    __u64 state;     /* state = state * multiplier + increment, per packet */
    __u64 multiplier;
    __u64 increment;
    __u64 flows;  /* random indexes are 0 .. flows - 1 */
    __u32 random; /* index from the upper half of state, else state itself */
    __u32 failed; /* packets that could not be built */
};

#define BENCH_OUTER_WORDS 10 /* 80 of 82 bytes: Ethernet, IPv4, UDP, GENEVE with three options */

/* What the encap floor writes. */
struct bench_outer {
    __u64 word[BENCH_OUTER_WORDS];
    __u16 rest;
    __u32 ip_sum; /* of the outer IPv4 header without its length and checksum */
};

#endif
