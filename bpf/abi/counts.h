/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Counters of endpoints and targets, and which endpoint was seen through which target. Others: abi/reasons.h.
 */
#ifndef GLB_ABI_COUNTS_H
#define GLB_ABI_COUNTS_H

#include <linux/types.h>

#include "abi/check.h"
#include "abi/limits.h"

struct glb_count {
    __u64 packets;
    __u64 bytes;
};
GLB_ABI(struct glb_count, 16);

/* glb_endpoint_counts, per CPU. */
struct glb_endpoint_count {
    struct glb_count in;
    struct glb_count forwarded;
};
GLB_ABI(struct glb_endpoint_count, 32);

/*
 * glb_target_counts: mapped by the controller, which reads the counters of thousands of targets without a
 * system call. The row of a target is cpu * GLB_MAX_TARGETS + target; each CPU writes its own rows. All
 * members only increase.
 */
struct glb_target_count {
    struct glb_count outbound;
    struct glb_count returned;
    __u64 new_flows;
    __u64 unanswered; /* established flows of seen endpoints whose `outstanding` went from 0 to 1 */
    __u64 answered;   /* flows whose `outstanding` went from 1 to 0 */
    __u64 attempted;  /* new flows of endpoints seen through any target */
    __u64 confirmed;  /* of those: flows of which a packet has returned */
    __u64 pad;
};
GLB_ABI(struct glb_target_count, 80);

/*
 * glb_endpoint_target_seen: a bit per endpoint and target, set by the return leg when the target returns a
 * packet of the endpoint, followed by a u64 per endpoint that is non-zero if any target did. An appliance may
 * have no configuration for an endpoint: until a packet has returned, missing answers are no evidence against
 * the target.
 */
#define GLB_SEEN_ROW_WORDS (GLB_MAX_TARGETS / 64)
#define GLB_SEEN_ANY (GLB_MAX_ENDPOINTS * GLB_SEEN_ROW_WORDS)
#define GLB_SEEN_WORDS (GLB_SEEN_ANY + GLB_MAX_ENDPOINTS)

#endif
