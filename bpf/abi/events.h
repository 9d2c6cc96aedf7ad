/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What the data path tells the controller at once, and the probes that come back through it. */
#ifndef GLB_ABI_EVENTS_H
#define GLB_ABI_EVENTS_H

#include <linux/types.h>

#include "abi/check.h"

/* glb_events */
enum glb_event_kind {
    GLB_EVENT_NO_NEIGHBOUR = 1, /* a next hop on `ifindex` towards `address` is not resolved */
    GLB_EVENT_SENDER_MAC = 2,   /* GENEVE from address[0] by another MAC: the six bytes from address[1] on */
    GLB_EVENT_IN_BAND = 3,      /* an in-band probe came back: address[0] its sender, [1] and [2] its nonce */
    GLB_EVENT_NO_METADATA = 4,  /* `ifindex` gives a packet no XDP metadata (punt_failed) */
};

/*
 * In-band probes: UDP in GENEVE, of an endpoint id that no manifest may use ("glbprobe"). The UDP payload
 * begins with this.
 */
#define GLB_IN_BAND_ENDPOINT 0x676c6270726f6265ull
#define GLB_IN_BAND_MAGIC 0x676c622d70726f62ull
struct glb_in_band {
    __be64 magic;
    __u64 nonce; /* of the controller, bytes as they are */
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
