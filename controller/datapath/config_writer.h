// ConfigWriter: control row, banks, Maglev tables, names, metadata, endpoint overrides. Control thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/datapath/grace_period.h"
#include "controller/datapath/handles.h"
#include "controller/plan/bank_image.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// The only writer of `maps` in user space. The counters of an index are written by the data path; this class
/// clears them before the index is assigned again.
class ConfigWriter {
  public:
    static constexpr std::array maps = {
        Map::control,           Map::node,          Map::logical_ports,
        Map::endpoints,         Map::endpoint_ids,  Map::groups,
        Map::targets,           Map::senders,       Map::local_addrs,
        Map::local_macs,        Map::maglev,        Map::maglev_fingerprints,
        Map::endpoint_override, Map::metadata,      Map::index_names,
        Map::endpoint_counts,   Map::target_counts, Map::endpoint_target_seen};

    explicit ConfigWriter(DatapathHandlesPtr handles) : handles_(std::move(handles)) {}
    /// Continues on other handles of the same maps; flow table and metadata may be others.
    void rebind(DatapathHandlesPtr handles) { handles_ = std::move(handles); }

    /// Writes the whole idle bank, which is not visible to traffic before flip(). Waits for the grace period
    /// of the previous flip().
    [[nodiscard]] Status write_idle_bank(const plan::BankImage &image);
    /// Makes the idle bank the active one; `new_epoch` increments the epoch. Packets that started before may
    /// use the other bank for some milliseconds.
    [[nodiscard]] Status flip(bool new_epoch);
    /// Invalidates every cached egress.
    [[nodiscard]] Status raise_route_generation();
    [[nodiscard]] Result<glb_control> control() const;

    /// Writes a Maglev table of GLB_MAGLEV_SLOTS target indexes and its fingerprint at `index` of glb_maglev.
    /// Waits for the grace period of the previous flip().
    [[nodiscard]] Status put_maglev(std::uint32_t index, std::span<const std::uint16_t> slots);
    /// Clears the fingerprint. The inner map stays for the next table at `index`: replacing it makes the
    /// kernel wait for a grace period, writing into it does not.
    [[nodiscard]] Status remove_maglev(std::uint32_t index);
    /// Pins tables again whose pins were removed. Returns the paths.
    [[nodiscard]] Result<std::vector<std::string>> restore_table_pins();
    /// 0 if there is no table.
    [[nodiscard]] Result<std::uint64_t> maglev_fingerprint_at(std::uint32_t index) const;

    /// GLB_ENDPOINT_BYPASS and its like (abi/config.h).
    [[nodiscard]] Status set_endpoint_override(std::uint32_t endpoint, std::uint64_t flags);

    [[nodiscard]] Status set_metadata(const glb_metadata &metadata);
    [[nodiscard]] Result<glb_metadata> metadata() const;
    /// `row` as in GLB_INDEX_NAMES_* (abi/config.h).
    [[nodiscard]] Status set_index_name(std::uint32_t row, const std::string &name);

    /// Before an index is assigned again: clears its counters, its bits of glb_endpoint_target_seen, and an
    /// endpoint's override.
    [[nodiscard]] Status forget_endpoint(std::uint32_t endpoint);
    [[nodiscard]] Status forget_target(std::uint32_t target);

  private:
    DatapathHandlesPtr handles_;
    /// Content of each bank if this process wrote it whole.
    std::array<std::optional<plan::BankImage>, GLB_BANKS> installed_;
    PendingGracePeriod grace_period_;
    std::map<std::uint32_t, Fd> tables_; ///< inner maps of glb_maglev, by index; may be of an older set
};

} // namespace glb::datapath
