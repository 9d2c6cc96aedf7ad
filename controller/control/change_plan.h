// ChangePlan: everything that one change writes, computed from one snapshot of the network. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/config/manifest.h"
#include "controller/control/bypasses.h"
#include "controller/control/ports/datapath_port.h"
#include "controller/health/health_snapshot.h"
#include "controller/network/path_resolver.h"
#include "controller/plan/allocation.h"
#include "controller/plan/bank_plan.h"
#include "controller/plan/guard_plan.h"
#include "controller/util/monotonic_time.h"

namespace glb::control {

/// The tunnel's address before a change: packets on their way to a target may still return to it.
struct PreviousAddress {
    IpAddress address;
    MonotonicTime until{};
};

/// What a plan starts from. Everything is owned by control, which executes one change at a time.
struct PlanInput {
    const config::Manifest &manifest;
    const config::Manifest *previous = nullptr; ///< active; null: none
    const network::Snapshot &snapshot;
    const std::map<IpAddress, network::ResolvedPath> &paths; ///< of target_addresses()
    const plan::Allocation &allocation;                      ///< of the active configuration
    const std::optional<FoundDatapath> &found;               ///< of an earlier daemon
    const std::vector<health::AdoptedTarget> &adopted;       ///< see adopted_targets()
    const health::HealthSnapshot &health;
    const health::HealthConfig *committed_health = nullptr; ///< null: none, or not in these maps
    const Bypasses &bypasses;
    const std::vector<std::uint8_t> &seed;
    const nlohmann::json &known_devices; ///< see plan_guard()
    const std::set<unsigned> &attached;  ///< interface indexes
    std::optional<PreviousAddress> previous_tunnel_address;
    MonotonicTime now{};
    std::uint32_t ticks = 0;
};

struct ChangePlan {
    const config::Manifest *manifest = nullptr;         ///< PlanInput::manifest, which outlives the plan
    std::shared_ptr<const plan::Allocation> allocation; ///< once the plan is active
    plan::GuardPlan guard_during;                       ///< guards what is added and what is to be removed
    plan::GuardPlan guard_after;
    std::vector<std::string> index_names; ///< GLB_INDEX_NAMES rows
    std::vector<plan::MaglevWrite> maglev;
    std::map<std::uint16_t, std::uint64_t> overrides; ///< by endpoint index
    std::map<std::string, health::HealthReason>
        found_failures; ///< of targets, to be restored before `health`
    std::vector<health::AdoptedTarget> adopted;
    std::shared_ptr<const health::HealthConfig> health;
    bool health_changed = true;       ///< false: `health` is committed already
    std::set<std::uint16_t> resolved; ///< indexes of targets with a path
    datapath::AttachMode mode = datapath::AttachMode::native;
    std::vector<std::pair<unsigned, std::string>> attach; ///< interfaces of the manifest that exist
    std::vector<unsigned> detach;
    datapath::EgressWriter::EgressRows egress_during, egress_after;
    std::map<datapath::NextHopKey, glb_next_hop> next_hops;
    std::optional<PreviousAddress> previous_tunnel_address;
    plan::BankImage bank;
    std::map<std::uint16_t, std::uint32_t> maglev_slots; ///< by target index
    unsigned tunnel = 0;                                 ///< interface index; 0: it does not exist
};

/// Targets of an earlier daemon that the data path still sends to although `manifest` does not name them.
[[nodiscard]] std::vector<health::AdoptedTarget> adopted_targets(const FoundDatapath &found,
                                                                 const config::Manifest &manifest,
                                                                 const health::HealthSnapshot &health);

/// Addresses to which the data path sends under `manifest`: its targets, those that drain, and `adopted`.
[[nodiscard]] std::set<IpAddress> target_addresses(const config::Manifest &manifest,
                                                   const health::HealthSnapshot &health,
                                                   const std::vector<health::AdoptedTarget> &adopted);

/// Fails if indexes or tables are used up, or a limit of the data path is exceeded.
[[nodiscard]] Result<ChangePlan> plan_change(const PlanInput &input);

/// Rows of sync_next_hops().
[[nodiscard]] std::map<datapath::NextHopKey, glb_next_hop>
next_hop_rows(const network::Snapshot &snapshot, const datapath::EgressWriter::EgressRows &egress);

/// The rows of two images are equal.
[[nodiscard]] bool is_same_bank(const plan::BankImage &a, const plan::BankImage &b);

} // namespace glb::control
