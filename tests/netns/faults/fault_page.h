/* The page by which a test tells the preloaded library which call is to fail. Shared by C and C++. */
#ifndef GLB_TESTS_FAULT_PAGE_H
#define GLB_TESTS_FAULT_PAGE_H

#include <stdint.h>

#define GLB_FAULT_VARIABLE "GLB_FAULT_PAGE" /* environment: the file that is mapped */
#define GLB_FAULT_WHERE 64
#define GLB_FAULT_KILL 0xdead
#define GLB_FAULT_LINKS 1 /* BPF_LINK_UPDATE */

struct glb_fault_page {
    uint32_t counting;           /* calls are counted, and may fail, while this is 1 */
    uint32_t seen;               /* calls counted so far */
    uint32_t fail_at;            /* the number of the call that fails; 0: none */
    uint32_t stay;               /* all calls after it fail as well */
    uint32_t code;               /* errno; GLB_FAULT_KILL: the program dies there */
    uint32_t only;               /* count but one kind of calls: GLB_FAULT_LINKS; 0: all */
    uint32_t failed;             /* calls that failed */
    char where[GLB_FAULT_WHERE]; /* the last call that failed */
};

#endif
