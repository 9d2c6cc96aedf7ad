// Offloads: switches off what hides packets from XDP, and restores it when it is no longer needed.
#pragma once

#include <set>
#include <string>

#include "controller/control/ports/network_port.h"
#include "controller/control/ports/state_port.h"

namespace glb {

/// Before the program is attached to `interface`. What was on is recorded in the state folder first. An
/// offload that cannot be switched off is logged.
[[nodiscard]] Status prepare_offloads(const std::string &interface, bool generic_mode, NetworkPort &network,
                                      StatePort &state);

/// Restores the offloads of interfaces that are not in `attached`, and those that only the generic mode needs
/// off. An interface that does not exist keeps its record: it may return with the same settings.
[[nodiscard]] Status restore_unneeded_offloads(const Snapshot &snapshot, const std::set<unsigned> &attached,
                                               bool generic_mode, NetworkPort &network, StatePort &state);

/// All of them, for take-down.
void restore_all_offloads(NetworkPort &network, StatePort &state);

} // namespace glb
