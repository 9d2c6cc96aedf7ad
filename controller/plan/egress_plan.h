// Egress plan: the rows of glb_egress and glb_next_hops, from a network snapshot. Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "abi/config.h"
#include "controller/network/snapshot.h"

namespace glb::plan {

/// Rows of glb_egress by FIB interface index: every device whose frames leave by one of `carriers`, the
/// interfaces that run the program natively. A device without a row is punted.
[[nodiscard]] std::map<std::uint32_t, glb_egress> plan_egress(const network::Snapshot &snapshot,
                                                              const std::set<unsigned> &carriers);

/// Next hops by FIB interface index: the resolved neighbours on devices that have an egress row, each MAC
/// once.
[[nodiscard]] std::vector<std::pair<std::uint32_t, glb_next_hop>>
plan_next_hops(const network::Snapshot &snapshot, const std::map<std::uint32_t, glb_egress> &egress);

} // namespace glb::plan
