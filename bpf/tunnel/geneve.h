/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* GENEVE in the format of AWS Gateway Load Balancer (RFC 8926; option class 0x0108, three options, 40 bytes).
 */
#ifndef GLB_TUNNEL_GENEVE_H
#define GLB_TUNNEL_GENEVE_H

#include <linux/types.h>

#define GLB_GENEVE_CLASS_AWS 0x0108
#define GLB_GENEVE_OPTION_ENDPOINT 1
#define GLB_GENEVE_OPTION_ATTACHMENT 2
#define GLB_GENEVE_OPTION_COOKIE 3
#define GLB_GENEVE_CRITICAL 0x80 /* bit of an option's type */
#define GLB_GENEVE_BASE 8

struct glb_geneve {
    __u8 version_optlen; /* version: 2 bits; length of the options in 32-bit words: 6 bits */
    __u8 flags;          /* O, C, reserved */
    __be16 protocol;
    __u8 vni[3];
    __u8 reserved;
};

#define GLB_GENEVE_O 0x80

struct glb_geneve_option {
    __be16 option_class;
    __u8 type;
    __u8 len; /* lower five bits: length of the value in 32-bit words */
};

#endif
