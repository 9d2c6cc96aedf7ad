// Offloads: switches off what hides packets from XDP, and restores it when it is no longer needed. What was on is
// recorded in the state directory first.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "controller/control/ports/network_port.h"
#include "controller/control/ports/state_port.h"

namespace glb::control {

/// Key of the record, a value of the state: {"eth1": {"gro": true}} is what was on.
inline constexpr auto offloads_key = "offloads";

/// Offloads of `interface` that are on, and must be off before the program is attached to it.
[[nodiscard]] std::vector<network::OffloadFeature>
interfering_offloads(const std::string &interface, bool generic_mode, NetworkPort &network);
/// Waits for the disk.
[[nodiscard]] Status record_offloads(const std::string &interface,
                                     const std::vector<network::OffloadFeature> &offloads, StatePort &state);
/// A failure is logged.
void switch_off(const std::string &interface, const std::vector<network::OffloadFeature> &offloads,
                NetworkPort &network);

/// Restores the offloads of interfaces that are not in `attached`, and those that only the generic mode needs
/// off. Returns the record of the others; null: none. An interface that does not exist keeps its record: it may
/// return with the same settings.
[[nodiscard]] nlohmann::json restore_unneeded_offloads(const nlohmann::json &record,
                                                       const network::Snapshot &snapshot,
                                                       const std::set<unsigned> &attached, bool generic_mode,
                                                       NetworkPort &network);

/// All of them, for take-down. Returns the record of those that could not be restored; null: none.
[[nodiscard]] nlohmann::json restore_all_offloads(const nlohmann::json &record, NetworkPort &network);

} // namespace glb::control
