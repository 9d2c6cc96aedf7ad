// EgressWriter: egress rows, next hops and the device map. Control thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "controller/datapath/config_writer.h"
#include "controller/datapath/handles.h"
#include "controller/util/address.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// Interface of the FIB, and the neighbour's MAC.
using NextHopKey = std::pair<std::uint32_t, MacAddress>;

/// The only writer of `maps`. Holds a shadow copy of them and writes only rows that differ.
class EgressWriter {
  public:
    static constexpr std::array maps = {Map::egress, Map::next_hop_ids, Map::next_hops, Map::devmap};

    struct InstalledNextHop {
        std::uint32_t index = 0; ///< row of glb_next_hops, which flows cache
        glb_next_hop row{};
    };
    using EgressRows = std::map<std::uint32_t, glb_egress>; ///< by interface of the FIB

    explicit EgressWriter(DatapathHandlesPtr handles) : handles_(std::move(handles)) {}
    /// Continues on other handles of the same maps.
    void rebind(DatapathHandlesPtr handles) { handles_ = std::move(handles); }

    /// After a restart: reads which interfaces an earlier daemon gave an egress row.
    [[nodiscard]] Status restore_egress();
    [[nodiscard]] Status add_device(std::uint32_t ifindex);
    /// Writes the rows that differ from `wanted` and removes the others.
    [[nodiscard]] Status sync_egress(const EgressRows &wanted);
    /// The same for next hops. A row's index is not assigned to another neighbour, for flows cache it. When
    /// the indexes are used up, all rows are removed, `config` invalidates what flows cache, and the next
    /// call writes `wanted`.
    [[nodiscard]] Status sync_next_hops(std::map<NextHopKey, glb_next_hop> wanted, ConfigWriter &config);
    /// Removes every row, those of an earlier daemon too.
    [[nodiscard]] Status clear_next_hops();

    /// The shadow copies.
    [[nodiscard]] const EgressRows &egress() const { return egress_; }
    [[nodiscard]] const std::map<NextHopKey, InstalledNextHop> &next_hops() const { return next_hops_; }

  private:
    [[nodiscard]] Status write_next_hop(const NextHopKey &key, const glb_next_hop &row);
    [[nodiscard]] Status remove_next_hop(const NextHopKey &key);

    DatapathHandlesPtr handles_;
    EgressRows egress_;
    std::map<NextHopKey, InstalledNextHop> next_hops_;
    std::uint32_t next_index_ = 0; ///< the lowest index that was not assigned yet
};

} // namespace glb::datapath
