// Pins that somebody removed from the bpffs under a running daemon.
#pragma once

#include "controller/control/node_state.h"
#include "controller/control/ports/ports.h"

namespace glb::control {

/// Restores them, logs each, and reports what cannot be restored. Does nothing while nothing is loaded.
void restore_pins(NodeState &state, const Ports &ports);

} // namespace glb::control
