/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Events from the data path to the controller, and in-band health probes. */
#ifndef GLB_ABI_EVENTS_H
#define GLB_ABI_EVENTS_H

#include <linux/types.h>

#include "abi/check.h"

/* glb_events */
enum glb_event_kind {
    GLB_EVENT_NO_NEIGHBOUR = 1, /* a next hop on `ifindex` towards `address` is not resolved */
    GLB_EVENT_SENDER_MAC = 2,   /* GENEVE from address[0] with another MAC: six bytes from address[1] on */
    GLB_EVENT_IN_BAND = 3,      /* a returned in-band probe: address[0] its sender, [1] and [2] its nonce */
    GLB_EVENT_NO_METADATA = 4,  /* the driver of `ifindex` does not support XDP metadata (punt_failed) */
    GLB_EVENT_TX_OFFLOAD = 5,   /* packets of endpoint address[0] by `ifindex` have no complete L4 checksum */
};

/* In-band probes are UDP in GENEVE, with an endpoint id that is reserved ("glbprobe"). The UDP payload starts
 * with struct glb_in_band. */
#define GLB_IN_BAND_ENDPOINT 0x676c6270726f6265ull
#define GLB_IN_BAND_MAGIC 0x676c622d70726f62ull
struct glb_in_band {
    __be64 magic;
    __u64 nonce; /* chosen by the controller, opaque */
};
GLB_ABI(struct glb_in_band, 16);

struct glb_event {
    __u32 kind;
    __u32 ifindex;
    __u32 family;
    __u32 endpoint;
    __u32 address[4];
};
GLB_ABI(struct glb_event, 32);

#endif
