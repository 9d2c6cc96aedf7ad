/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A version with the same maps and different instructions, for tests. */
#ifndef GLB_PATCHED_LIMITS_H
#define GLB_PATCHED_LIMITS_H

#include_next "abi/limits.h"

#undef GLB_STAMP_FRESH_SECONDS
#define GLB_STAMP_FRESH_SECONDS 119

#endif
