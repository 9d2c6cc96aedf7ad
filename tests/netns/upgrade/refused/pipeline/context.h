/* SPDX-License-Identifier: GPL-2.0 */
/* A version that the verifier rejects, for tests: it uses a number as a pointer. */
#ifndef GLB_REFUSED_SCRATCH_H
#define GLB_REFUSED_SCRATCH_H

#include_next "pipeline/context.h"

#define glb_context_get() ((struct glb_context *)(unsigned long)bpf_ktime_get_coarse_ns())

#endif
