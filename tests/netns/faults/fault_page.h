/* Shared page by which a test controls which call fails in the preloaded library. Used by C and C++. */
#ifndef GLB_TESTS_FAULT_PAGE_H
#define GLB_TESTS_FAULT_PAGE_H

#include <stdint.h>

#define GLB_FAULT_VARIABLE "GLB_FAULT_PAGE" /* environment variable: path of the mapped file */
#define GLB_FAULT_WHERE 64
#define GLB_FAULT_KILL 0xdead
#define GLB_FAULT_LINKS 1 /* BPF_LINK_UPDATE */

struct glb_fault_page {
    uint32_t armed;              /* 1: calls are counted and may fail */
    uint32_t calls;              /* counted so far */
    uint32_t fail_at;            /* number of the failing call; 0: none */
    uint32_t persistent;         /* all calls after it fail as well */
    uint32_t code;               /* errno; GLB_FAULT_KILL: the process is killed instead */
    uint32_t only;               /* count only one kind of calls: GLB_FAULT_LINKS; 0: all */
    uint32_t failed;             /* calls that failed */
    char where[GLB_FAULT_WHERE]; /* the last failed call */
};

#endif
