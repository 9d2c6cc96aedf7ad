// DatapathHandles: the descriptors and mappings of a loaded XDP program, immutable and shared.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "controller/datapath/endpoint_target_seen.h"
#include "controller/datapath/flow_table.h"
#include "controller/datapath/load_settings.h"
#include "controller/datapath/maps.h"
#include "controller/datapath/pins.h"
#include "controller/datapath/target_counts.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::datapath {

class DatapathHandles;
/// The thread that drops the last reference closes the maps and unmaps the flow table, which takes
/// milliseconds for a gigabyte.
using DatapathHandlesPtr = std::shared_ptr<const DatapathHandles>;

/// Safe to read on any thread. Maps are written through ConfigWriter, StateWriter, EgressWriter and
/// TableMigration alone.
class DatapathHandles {
  public:
    using MapFds = std::array<Fd, all_maps.size()>; ///< by Map

    /// Maps the counters and the flow table. `pins` is the set that the maps are pinned in; none in tests.
    [[nodiscard]] static Result<DatapathHandlesPtr>
    make(Fd program, MapFds maps, const LoadSettings &settings, std::optional<Pins> pins);

    [[nodiscard]] int program() const { return program_.get(); }
    [[nodiscard]] int map(Map map) const { return maps_[static_cast<std::size_t>(map)].get(); }
    [[nodiscard]] const LoadSettings &settings() const { return settings_; }
    [[nodiscard]] std::uint32_t capacity() const { return settings_.capacity; }
    [[nodiscard]] const std::optional<Pins> &pins() const { return pins_; }

    [[nodiscard]] const FlowTable &flow_table() const { return flow_table_; }
    [[nodiscard]] const TargetCounts &target_counts() const { return target_counts_; }
    [[nodiscard]] const EndpointTargetSeen &endpoint_target_seen() const { return endpoint_target_seen_; }

  private:
    DatapathHandles(Fd program, MapFds maps, const LoadSettings &settings, std::optional<Pins> pins,
                    FlowTable flow_table)
        : program_(std::move(program)), maps_(std::move(maps)), settings_(settings), pins_(std::move(pins)),
          flow_table_(std::move(flow_table)) {}

    Fd program_;
    MapFds maps_;
    LoadSettings settings_;
    std::optional<Pins> pins_;
    FlowTable flow_table_;
    TargetCounts target_counts_;
    EndpointTargetSeen endpoint_target_seen_;
};

} // namespace glb::datapath
