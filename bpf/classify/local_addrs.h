/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses and prefixes that do not fit into a row of the configuration: a trie in which every row has a scope. */
#ifndef GLB_CLASSIFY_LOCAL_ADDRS_H
#define GLB_CLASSIFY_LOCAL_ADDRS_H

#include "maps/config.h"
#include "parse/packet.h"

/*
 * The value of an address of the packet (enum glb_packet_end) in the scope, 0 if it is not there. Global, so that it
 * is verified once.
 */
__noinline __u32 glb_local_addrs_value(__u32 scope, const struct glb_packet *packet, __u32 end) {
    if (!packet)
        return 0;
    const __u32 *address = end == GLB_PACKET_SOURCE ? packet->saddr : packet->daddr;
    struct glb_local_addr_key key = {.prefix_length = 32 + 128, .scope = scope};
    if (packet->family == 4) {
        key.address[10] = 0xff;
        key.address[11] = 0xff;
        __builtin_memcpy(&key.address[12], address, 4);
    } else {
        __builtin_memcpy(key.address, address, 16);
    }
    const __u32 *value = bpf_map_lookup_elem(&glb_local_addrs, &key);
    return value ? *value : 0;
}

static __always_inline int glb_local_addrs_contain(__u32 scope, const struct glb_packet *packet, __u32 end) {
    return glb_local_addrs_value(scope, packet, end) != 0;
}

#endif
