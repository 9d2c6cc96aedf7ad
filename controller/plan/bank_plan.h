// Bank plan: from the manifest, the allocated indexes and a network snapshot to the content of a
// configuration bank. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>

#include "controller/config/manifest.h"
#include "controller/network/path_resolver.h"
#include "controller/plan/bank_image.h"
#include "controller/plan/index_allocator.h"
#include "controller/plan/maglev_generations.h"

namespace glb::plan {

/// A target of the data path: one of the manifest, or a removed one that still drains.
struct PlannedTarget {
    std::uint16_t index = 0;
    std::uint16_t group_index = 0;
    IpAddress address;
    std::uint16_t port = GLB_GENEVE_PORT;
};

/// The interfaces that the manifest names, without VLANs.
[[nodiscard]] std::set<std::string> interface_names(const config::Manifest &manifest);

/// The VLAN ids of an interface reference as the data path's keys have them: outermost first, 0: none.
[[nodiscard]] std::array<std::uint16_t, 2> vlan_pair(const InterfaceRef &interface);

/// The whole bank. Interfaces that do not exist get no port. Every endpoint and group of the manifest must
/// have an index in `indexes`. Targets with equal addresses share an address id; their order decides which.
[[nodiscard]] BankConfig plan_bank(const config::Manifest &manifest, const IndexAllocator &indexes,
                                   const network::Snapshot &snapshot, const MaglevGenerations &tables,
                                   std::span<const PlannedTarget> targets,
                                   const std::map<IpAddress, network::ResolvedPath> &paths,
                                   const std::array<std::uint32_t, GLB_NH_KEYS> &key);

} // namespace glb::plan
