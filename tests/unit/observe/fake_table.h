// A flow table in ordinary memory.
#pragma once

#include <vector>

#include "controller/datapath/flow_table.h"
#include "tests/harness/flow_rows.h"

namespace glb::test {

inline constexpr std::uint32_t start = 4'000'000'000u; ///< a tick more than a day before the wrap-around
inline constexpr std::uint32_t second = GLB_TICKS_PER_SECOND;

struct FakeTable {
    std::vector<glb_flow_hot> hot;
    std::vector<glb_flow_cold> cold;
    datapath::FlowTable table;

    explicit FakeTable(std::uint32_t capacity)
        : hot(capacity), cold(capacity), table(hot.data(), cold.data(), capacity) {}

    /// See put_flow(); seen at `start`.
    void put(std::uint32_t slot, glb_flow_code code = GLB_FLOW_ESTABLISHED, bool tcp = true,
             std::uint8_t generation = 0xb3) {
        put_flow(hot[slot], cold[slot], start, code, tcp, generation);
    }
};

} // namespace glb::test
