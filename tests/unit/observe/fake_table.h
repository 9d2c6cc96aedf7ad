// A flow table in ordinary memory, and flows for it.
#pragma once

#include <bit>
#include <vector>

#include <arpa/inet.h>

#include "controller/datapath/flow_table.h"

namespace glb::test {

inline constexpr std::uint32_t start = 4'000'000'000u; ///< a tick more than a day before the wrap-around
inline constexpr std::uint32_t second = GLB_TICKS_PER_SECOND;

struct FakeTable {
    std::vector<glb_flow_hot> hot;
    std::vector<glb_flow_cold> cold;
    datapath::FlowTable table;

    explicit FakeTable(std::uint32_t capacity)
        : hot(capacity), cold(capacity), table(hot.data(), cold.data(), capacity) {}

    /// A TCP flow 192.0.2.10:40000 -> 198.51.100.20:80 of endpoint 1 and target 2, seen at `start`.
    void put(std::uint32_t slot, glb_flow_code code = GLB_FLOW_ESTABLISHED, bool tcp = true,
             std::uint8_t generation = 0xb3) {
        hot[slot].meta = glb_meta_make(code, tcp, generation, 2, start);
        auto &line = cold[slot];
        line = {};
        ::inet_pton(AF_INET, "192.0.2.10", &line.low[0]);
        ::inet_pton(AF_INET, "198.51.100.20", &line.high[0]);
        line.low_port = htons(40000);
        line.high_port = htons(80);
        line.ip_proto = tcp ? IPPROTO_TCP : IPPROTO_UDP;
        line.family = 4;
        line.generation = generation;
        line.endpoint = 1;
        line.start_tick = start;
    }
};

} // namespace glb::test
