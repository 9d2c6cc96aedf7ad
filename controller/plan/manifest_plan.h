// Plan: from the manifest and what the kernel has to the rows of the data path and the guard. Pure functions.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/datapath/migration/table_migration.h"
#include "controller/datapath/program.h"
#include "controller/health/target_registry.h"
#include "controller/network/path_resolver.h"
#include "controller/plan/bank_image.h"
#include "controller/plan/guard_plan.h"
#include "controller/plan/index_allocator.h"
#include "controller/plan/maglev_generations.h"

namespace glb {

/// What is said in glb_metadata of a load; `schema` is filled in when the maps are.
[[nodiscard]] glb_metadata metadata_of(const datapath::LoadSettings &settings,
                                       const std::vector<std::uint8_t> &seed);
/// Logs what became of the flows.
void log_migration_result(const TableMigration &move, std::uint32_t capacity);
/// The settings of a load that uses the flows of what is kept: their key, and the door's magic.
[[nodiscard]] datapath::LoadSettings settings_of(const glb_metadata &kept, std::uint32_t capacity);

/// Keys of the steering hash from hashSeed: words of SHA-256(seed, counter), equal on all nodes of a cluster.
[[nodiscard]] std::array<std::uint32_t, GLB_NH_KEYS> steer_key(const std::vector<std::uint8_t> &seed);

/// The names of all interfaces of the manifest, each once.
[[nodiscard]] std::set<std::string> interface_names(const Manifest &manifest);

/// The bank: ports whose interface is there now, endpoints, groups with their tables, all of the fleet with
/// their paths. Every name must have its index in `book`.
[[nodiscard]] datapath::BankConfig plan_bank(const Manifest &manifest, const IndexAllocator &book,
                                             const Snapshot &snapshot, const MaglevGenerations &tables,
                                             const std::map<std::string, TargetEntry> &fleet,
                                             const std::map<IpAddress, ResolvedPath> &paths,
                                             const std::array<std::uint32_t, GLB_NH_KEYS> &key);

/// `known` is what known_devices() said last: a rule must name a device that is not there now, but will be
/// while no daemon runs. One that was never seen goes by its usual name (eth1.100).
[[nodiscard]] guard::GuardPlan plan_guard(const Manifest &manifest, const IndexAllocator &book,
                                          const Snapshot &snapshot, const nlohmann::json &known);

/// The devices of each port of the plan, to be remembered: {"eth1": ["eth1", "br0"], "eth1/100": ["uplink"]}.
[[nodiscard]] nlohmann::json known_devices(const guard::GuardPlan &plan);

/// Rows of glb_egress: each device by which the kernel may route, that stands on one of `carriers`
/// (interfaces that run the program natively).
[[nodiscard]] std::map<std::uint32_t, glb_egress> plan_egress(const Snapshot &snapshot,
                                                              const std::set<unsigned> &carriers);

/// Next hops worth a row: resolved neighbours on devices with an egress row.
[[nodiscard]] std::vector<std::pair<std::uint32_t, glb_next_hop>>
plan_next_hops(const Snapshot &snapshot, const std::map<std::uint32_t, glb_egress> &egress);

} // namespace glb
