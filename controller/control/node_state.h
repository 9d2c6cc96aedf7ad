// NodeState: what control knows and wants of the node. Owned by the control thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/control/bypasses.h"
#include "controller/control/change_plan.h"
#include "controller/control/condition_board.h"
#include "controller/control/confirmation.h"
#include "controller/control/drop_watch.h"
#include "controller/control/interface_condition_log.h"
#include "controller/control/neighbour_overflow.h"
#include "controller/control/ports/ports.h"
#include "controller/control/restored_walls.h"
#include "controller/control/tx_offload_watch.h"
#include "controller/network/snapshot.h"
#include "controller/observe/node_snapshot.h"

namespace glb::control {

/// What was requested. Persisted in the state folder.
struct DesiredState {
    std::shared_ptr<const config::Manifest> manifest; ///< active; null: none
    std::string text;                                 ///< of `manifest`
    state::HashSeed seed;
    Bypasses bypasses;
    std::optional<Confirmation> confirmation; ///< the manifest is pending confirmation
};

/// What kernel and maps hold, as far as it is known. Writers compare with it and write only what differs.
struct InstalledState {
    std::shared_ptr<const plan::Allocation> allocation = std::make_shared<plan::Allocation>();
    std::optional<FoundDatapath> found; ///< of an earlier daemon, until a change is complete
    std::uint64_t found_epoch = 0;      ///< of its data path; 0: none was found
    state::HashSeed seed;               ///< in maps and state folder; empty: unknown
    std::vector<std::string> index_names;
    std::map<std::uint16_t, std::uint64_t> overrides; ///< by endpoint index
    std::optional<plan::BankImage> bank;
    std::shared_ptr<const health::HealthConfig> health; ///< committed; null: none, or not in these maps
    std::map<std::uint16_t, std::uint32_t> maglev_slots;
    std::optional<PreviousAddress> previous_tunnel_address;
    network::Snapshot network;
    datapath::EgressWriter::EgressRows egress;
    bool guard = false;
    std::shared_ptr<const config::Manifest> kept_guard; ///< whose guard `down` kept; null: none

    /// Makes the next change write everything that one that failed may have left half written.
    void distrust() {
        bank.reset();
        overrides.clear();
    }
};

/// What is wrong, for status and log.
struct NodeConditions {
    std::string failure; ///< of the last reconciliation; empty: none
    std::optional<std::uint64_t>
        orphaned_epoch; ///< of a running data path whose manifest this state folder lacks
    GuardCheck guard;
    std::uint64_t guard_restored = 0;
    MonotonicTime guard_whole{}; ///< when the last check ended with all parts in place
    RestoredWalls restored_walls;
    std::set<unsigned> without_punt_path; ///< interfaces whose driver lacks XDP metadata
    std::uint64_t one_way_tcp = 0;
    InterfaceConditionLog interface_log;
    ConditionBoard board;
    DropWatch drops;
    TxOffloadWatch tx_offload;
    NeighbourOverflow neighbour_overflow;
};

struct NodeState {
    DesiredState desired;
    InstalledState installed;
    NodeConditions conditions;
    std::uint64_t configuration = 0;   ///< incremented when indexes change owners: older table scans are void
    bool datapath_is_replaced = false; ///< a step on the worker uses the data path's port
};

/// One line; empty: the node is ready.
[[nodiscard]] std::string not_ready_reason(const NodeState &state, bool is_loaded,
                                           const std::set<unsigned> &attached);

/// What readers of the node see.
[[nodiscard]] std::shared_ptr<const observe::NodeSnapshot>
node_snapshot(const NodeState &state, const Ports &ports, const std::set<unsigned> &attached);

} // namespace glb::control
