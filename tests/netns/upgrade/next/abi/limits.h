/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The next version, for tests: another map schema and another shape of the flow table. */
#ifndef GLB_NEXT_LIMITS_H
#define GLB_NEXT_LIMITS_H

#include_next "abi/limits.h"

#undef GLB_SCHEMA
#define GLB_SCHEMA 6
#undef GLB_FLOW_WAYS
#define GLB_FLOW_WAYS 4
#undef GLB_FLOW_BUCKETS
#define GLB_FLOW_BUCKETS 3

#endif
