// Rows of the flow table.
#pragma once

#include <cstdint>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "abi/flow.h"

namespace glb::test {

/// A flow 192.0.2.10:40000 -> 198.51.100.20:80 of endpoint 1 and target 2, seen at `tick`.
inline void put_flow(glb_flow_hot &hot, glb_flow_cold &cold, std::uint32_t tick,
                     glb_flow_code code = GLB_FLOW_ESTABLISHED, bool tcp = true,
                     std::uint8_t generation = 0xb3) {
    hot.meta = glb_meta_make(code, tcp, generation, 2, tick);
    cold = {};
    ::inet_pton(AF_INET, "192.0.2.10", &cold.low[0]);
    ::inet_pton(AF_INET, "198.51.100.20", &cold.high[0]);
    cold.low_port = htons(40000);
    cold.high_port = htons(80);
    cold.ip_proto = tcp ? IPPROTO_TCP : IPPROTO_UDP;
    cold.family = 4;
    cold.generation = generation;
    cold.endpoint = 1;
    cold.start_tick = tick;
}

} // namespace glb::test
