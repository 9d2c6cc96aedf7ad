// What is wrong with this machine for a manifest (host checks, forwarding, drivers), drops, bypasses, state files.
#pragma once

#include <vector>

#include "controller/config/manifest.h"
#include "controller/control/node_state.h"
#include "controller/control/ports/ports.h"

namespace glb::control {

/// Compares with the network as it was last read. Reads sysctls and the files that the manifest names.
[[nodiscard]] std::vector<Condition> host_conditions(const config::Manifest &manifest, const NodeState &state,
                                                     const Ports &ports);

/// Those of the active manifest, for status and log.
void report_host_conditions(NodeState &state, const Ports &ports);

/// What the data path drops now, for status.
void report_drops(NodeState &state, const Ports &ports);

/// Those of the state files, for status and log. While no worker uses them.
void report_state_conditions(NodeState &state, const Ports &ports);

/// Endpoints that an operator has bypassed, for status.
void report_bypasses(NodeState &state, MonotonicTime now);

} // namespace glb::control
