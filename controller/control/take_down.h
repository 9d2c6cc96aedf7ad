// take_down(): removes what the node has installed. Of the guard only on request.
#pragma once

#include "controller/control/node_state.h"
#include "controller/control/ports/ports.h"

namespace glb::control {

/// Data path first, guard last, so that nothing is forwarded uninspected in between. Continues after a failure
/// and returns the first one. No manifest is active afterwards. A resize must have been abandoned.
[[nodiscard]] Status take_down(const Ports &ports, NodeState &state, bool keep_guard);

} // namespace glb::control
