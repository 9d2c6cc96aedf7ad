/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What the data path counts beside the reasons of abi/reasons.h: endpoints, targets, and who came back. */
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

/* Per-CPU counters of an endpoint and of a target. */
struct glb_endpoint_count {
    struct glb_count in;
    struct glb_count forwarded;
};
GLB_ABI(struct glb_endpoint_count, 32);

/*
 * glb_target_counts: mapped by the controller, so that the health of thousands of targets is read without a
 * system call. The row of a target on a CPU is cpu * GLB_MAX_TARGETS + target: each CPU writes its own.
 * All only grow.
 */
struct glb_target_count {
    struct glb_count out;
    struct glb_count back;
    __u64 new_flows;
    __u64 silent; /* established flows whose `outstanding` went from 0 to 1, of endpoints seen to come back */
    __u64 answered;  /* flows whose `outstanding` went from 1 to 0 */
    __u64 tried;     /* new flows, of endpoints that came back through any target */
    __u64 confirmed; /* of those: flows whose first packet came back */
    __u64 pad;
};
GLB_ABI(struct glb_target_count, 80);

/*
 * glb_endpoint_target_seen: which endpoint ever came back through which target: a bit each, set by the return
 * leg, and behind them a word for each endpoint that ever came back at all. Appliances build their side of an
 * endpoint when its first packet comes: until then silence says nothing.
 */
#define GLB_SEEN_ROW_WORDS (GLB_MAX_TARGETS / 64)
#define GLB_SEEN_ANY (GLB_MAX_ENDPOINTS * GLB_SEEN_ROW_WORDS)
#define GLB_SEEN_WORDS (GLB_SEEN_ANY + GLB_MAX_ENDPOINTS)

#endif
