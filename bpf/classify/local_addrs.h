/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses and prefixes that do not fit into a row of the configuration: a trie in which every row has a scope. */
#ifndef GLB_CLASSIFY_LOCAL_ADDRS_H
#define GLB_CLASSIFY_LOCAL_ADDRS_H

#include "maps/config.h"

/* The value of the address in the scope, 0 if it is not there. The address is four words in network order, of
 * which IPv4 uses the first. */
static __noinline __u32 glb_local_addrs_value(__u32 scope, const __u32 *address, __u32 family) {
    struct glb_local_addr_key key = {.prefix_length = 32 + 128, .scope = scope};
    if (family == 4) {
        key.address[10] = 0xff;
        key.address[11] = 0xff;
        __builtin_memcpy(&key.address[12], address, 4);
    } else {
        __builtin_memcpy(key.address, address, 16);
    }
    const __u32 *value = bpf_map_lookup_elem(&glb_local_addrs, &key);
    return value ? *value : 0;
}

static __always_inline int glb_local_addrs_contain(__u32 scope, const __u32 *address, __u32 family) {
    return glb_local_addrs_value(scope, address, family) != 0;
}

#endif
