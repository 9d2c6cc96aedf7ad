// DatapathPort: the loaded data path, its maps and its interfaces, as control uses them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/datapath/attachments.h"
#include "controller/datapath/egress_writer.h"
#include "controller/datapath/handles.h"
#include "controller/datapath/pinned_config.h"
#include "controller/datapath/stale_pins.h"
#include "controller/health/datapath_port.h"
#include "controller/plan/bank_image.h"
#include "controller/plan/maglev.h"

namespace glb::control {

/// A data path that an earlier daemon left, read from its pinned maps. Nothing is loaded.
struct FoundDatapath {
    std::vector<std::uint8_t> seed;
    datapath::PinnedConfig config;
};

/// The flows of one table on their way to another; see datapath/migration/table_migration.h for the steps. A
/// daemon that dies between two of them leaves a state from which the next one continues.
class FlowMigration {
  public:
    virtual ~FlowMigration() = default;

    // On a worker of control, which uses the data path meanwhile. A step that has failed may be repeated.
    [[nodiscard]] virtual Status prepare() = 0;
    [[nodiscard]] virtual Status copy(const datapath::TargetTimeouts &timeouts, std::uint32_t now) = 0;
    [[nodiscard]] virtual Status catch_up(const datapath::TargetTimeouts &timeouts, std::uint32_t now) = 0;

    // On the control thread. `tunnel`: the interface whose link changes first; 0: none.
    [[nodiscard]] virtual Status swap(unsigned tunnel) = 0;
    /// DatapathPort continues on the new table.
    [[nodiscard]] virtual Status finish(unsigned tunnel) = 0;
    /// Before swap(), or after one that failed.
    [[nodiscard]] virtual Status undo() = 0;

    [[nodiscard]] virtual bool is_swapped() const = 0;
    [[nodiscard]] virtual std::string source() const = 0;  ///< name of the set of maps that is left
    [[nodiscard]] virtual std::string summary() const = 0; ///< result, for the log
};

/// Control thread, except load(). A write that fails leaves its row unchanged or half written.
class DatapathPort {
  public:
    virtual ~DatapathPort() = default;

    /// Locks the bpffs folder: one daemon per folder. Does nothing if it is locked.
    [[nodiscard]] virtual Status lock() = 0;
    /// Before load(); nullopt: there is nothing to take over.
    [[nodiscard]] virtual Result<std::optional<FoundDatapath>> inspect(std::uint32_t capacity) = 0;
    /// On a worker of control, which does not use this port meanwhile: loads new maps, or the program of those that
    /// inspect() found. If their flows have to be migrated, migration() is set afterwards.
    [[nodiscard]] virtual Status load(std::uint32_t capacity, const std::vector<std::uint8_t> &seed) = 0;
    [[nodiscard]] virtual bool is_loaded() const = 0;
    /// Of a load(), until it is finished or undone. undo() unloads the data path.
    [[nodiscard]] virtual std::shared_ptr<FlowMigration> migration() const = 0;
    /// To a table of another size, with the other maps as they are.
    [[nodiscard]] virtual std::shared_ptr<FlowMigration> resize(std::uint32_t capacity,
                                                                const std::vector<std::uint8_t> &seed) = 0;
    /// Detaches everything, unloads, and removes all pins of the data path. Continues after a failure and
    /// returns the first one.
    [[nodiscard]] virtual Status remove() = 0;
    /// Removes empty folders and, unless `keep_lock`, releases the lock.
    virtual void release(bool keep_lock) = 0;
    [[nodiscard]] virtual Result<std::vector<datapath::StalePin>> stale_pins() = 0;
    /// Pins again what is in use and was removed from the bpffs. Returns the paths. Not during a migration.
    [[nodiscard]] virtual Result<std::vector<std::string>> restore_pins() = 0;

    [[nodiscard]] virtual std::uint32_t capacity() const = 0;
    [[nodiscard]] virtual std::uint64_t epoch() const = 0; ///< 0: none
    [[nodiscard]] virtual std::uint32_t punt_magic() const = 0;
    /// null if nothing is loaded, and in tests.
    [[nodiscard]] virtual datapath::DatapathHandlesPtr handles() const = 0;
    [[nodiscard]] virtual std::shared_ptr<health::TargetStatePort> target_states() const = 0;

    /// Interfaces with a link of ours that is alive.
    [[nodiscard]] virtual std::map<unsigned, datapath::AttachMode> attached() = 0;
    [[nodiscard]] virtual Status attach(unsigned ifindex, const std::string &name,
                                        datapath::AttachMode mode) = 0;
    [[nodiscard]] virtual Status detach(unsigned ifindex) = 0;

    /// Also clears the counters of the index.
    [[nodiscard]] virtual Status set_index_name(std::uint32_t row, const std::string &name) = 0;
    [[nodiscard]] virtual Status put_maglev(std::uint32_t place, const plan::MaglevTable &slots) = 0;
    /// Does nothing if there is no table at `place`.
    [[nodiscard]] virtual Status remove_maglev(std::uint32_t place) = 0;
    [[nodiscard]] virtual Status set_endpoint_override(std::uint16_t endpoint, std::uint64_t flags) = 0;
    [[nodiscard]] virtual Status activate(const plan::BankImage &image, bool new_epoch) = 0;
    [[nodiscard]] virtual Status raise_route_generation() = 0;
    [[nodiscard]] virtual Status set_seed(const std::vector<std::uint8_t> &seed) = 0;
    [[nodiscard]] virtual Status sync_egress(const datapath::EgressWriter::EgressRows &rows) = 0;
    [[nodiscard]] virtual Status sync_next_hops(const std::map<datapath::NextHopKey, glb_next_hop> &rows) = 0;
    /// Index of each row that sync_next_hops() wrote.
    [[nodiscard]] virtual std::map<datapath::NextHopKey, std::uint32_t> next_hops() const = 0;
};

} // namespace glb::control
