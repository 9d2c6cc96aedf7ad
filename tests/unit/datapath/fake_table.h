// The flow table of a set of pinned fake maps, written as the data path does.
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <optional>

#include <bpf/bpf.h>

#include "abi/flow.h"
#include "controller/datapath/pins.h"
#include "lib/hash.h"
#include "tests/unit/datapath/fake_maps.h"

namespace glb::test {

using datapath::Map;
using datapath::Pins;

inline constexpr std::uint32_t now = 4'000'000, second = GLB_TICKS_PER_SECOND;

/// The flow table of a set, as its program writes it.
class Table {
  public:
    explicit Table(const Pins &pins) {
        const std::uint32_t row = 0;
        const auto open = [&](Map map) {
            const Fd fd(bpf_obj_get(pins.map(map).c_str()));
            auto *found = find_fake<FakeMap>(fd.get());
            REQUIRE(found);
            rows_ = found->shape().rows;
            return found->find_row(&row);
        };
        hot_ = reinterpret_cast<glb_flow_hot *>(open(Map::flows_hot));
        cold_ = reinterpret_cast<glb_flow_cold *>(open(Map::flows_cold));
    }

    static std::uint64_t tag(std::uint32_t flow) { return glb_hash_finish(flow + 77); }

    /// In its entry, or in a free one of its buckets.
    void put(std::uint32_t flow, std::uint32_t target, std::uint32_t code = GLB_FLOW_ESTABLISHED,
             std::uint32_t seen = now - second) const {
        const auto slot = slot_of(flow);
        auto &hot = hot_[slot];
        auto &cold = cold_[slot];
        hot.tag = tag(flow);
        hot.meta = glb_meta_make(code, 1, flow, target, seen);
        hot.count[0] = {flow, 100};
        cold = {};
        cold.low[0] = htonl(flow);
        cold.low_port = htons(4000);
        cold.high_port = htons(80);
        cold.ip_proto = 6;
        cold.family = 4;
        cold.generation = static_cast<std::uint8_t>(flow);
    }
    /// Null if there is none; fails on two of one tag.
    [[nodiscard]] glb_flow_hot *find(std::uint32_t flow) const {
        glb_flow_hot *found = nullptr;
        for (std::uint32_t slot = 0; slot < rows_; ++slot)
            if (hot_[slot].tag == tag(flow) && glb_meta_code(hot_[slot].meta)) {
                CHECK_FALSE(found);
                found = &hot_[slot];
            }
        return found;
    }
    [[nodiscard]] std::uint32_t size() const {
        return static_cast<std::uint32_t>(
            std::count_if(hot_, hot_ + rows_, [](const auto &hot) { return glb_meta_code(hot.meta) != 0; }));
    }
    [[nodiscard]] std::uint32_t rows() const { return rows_; }

  private:
    [[nodiscard]] std::uint32_t slot_of(std::uint32_t flow) const {
        std::optional<std::uint32_t> free;
        for (std::uint32_t i = 0; i < GLB_FLOW_BUCKETS; ++i)
            for (std::uint32_t way = 0; way < GLB_FLOW_WAYS; ++way) {
                const auto slot =
                    glb_flow_bucket(tag(flow), rows_ / GLB_FLOW_WAYS - 1, i) * GLB_FLOW_WAYS + way;
                if (glb_meta_code(hot_[slot].meta) && hot_[slot].tag == tag(flow))
                    return slot;
                if (!free && !glb_meta_code(hot_[slot].meta))
                    free = slot;
            }
        return free.value();
    }

    glb_flow_hot *hot_ = nullptr;
    glb_flow_cold *cold_ = nullptr;
    std::uint32_t rows_ = 0;
};

} // namespace glb::test
