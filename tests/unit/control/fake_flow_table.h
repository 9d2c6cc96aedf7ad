// A flow table in memory files, mapped by the handles of a data path as the kernel's maps would be.
#pragma once

#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include "controller/datapath/handles.h"

namespace glb::test {

class FakeFlowTable {
  public:
    explicit FakeFlowTable(std::uint32_t capacity = 1u << 16) {
        datapath::DatapathHandles::MapFds maps;
        const auto add = [&](datapath::Map map, std::size_t size) {
            auto &fd = maps[static_cast<std::size_t>(map)];
            fd = Fd(::memfd_create("map", MFD_CLOEXEC));
            REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(size)) == 0);
            return fd.get();
        };
        const int hot = add(datapath::Map::flows_hot, capacity * sizeof(glb_flow_hot));
        const int cold = add(datapath::Map::flows_cold, capacity * sizeof(glb_flow_cold));
        add(datapath::Map::target_counts, datapath::TargetCounts::rows() * sizeof(glb_target_count));
        add(datapath::Map::endpoint_target_seen, GLB_SEEN_WORDS * sizeof(std::uint64_t));
        hot_ = datapath::Mapped<glb_flow_hot>::map(hot, capacity, "hot").value();
        cold_ = datapath::Mapped<glb_flow_cold>::map(cold, capacity, "cold").value();
        datapath::LoadSettings settings;
        settings.capacity = capacity;
        handles = datapath::DatapathHandles::make({}, std::move(maps), settings, {}).value();
    }

    /// An established TCP flow, last seen at `tick`.
    void put(std::uint32_t slot, std::uint16_t endpoint, std::uint16_t target, std::uint32_t tick) {
        constexpr std::uint8_t generation = 0xb3;
        hot_[slot].meta = glb_meta_make(GLB_FLOW_ESTABLISHED, 1, generation, target, tick);
        cold_[slot].generation = generation;
        cold_[slot].endpoint = endpoint;
    }
    /// The flow's returned packets use this next hop, a row of glb_next_hops.
    void use_next_hop(std::uint32_t slot, std::uint32_t next_hop, std::uint32_t tick) {
        hot_[slot].egress[0] = next_hop | static_cast<std::uint64_t>(tick & 0xffffff) << 32;
    }
    void remove(std::uint32_t slot) { hot_[slot] = {}; }

    datapath::DatapathHandlesPtr handles;

  private:
    datapath::Mapped<glb_flow_hot> hot_;
    datapath::Mapped<glb_flow_cold> cold_;
};

} // namespace glb::test
