// The guard that `down --keep-guard` left installed: which manifest it belongs to, and how it is restored.
#pragma once

#include <memory>
#include <string>

#include "controller/config/manifest.h"
#include "controller/control/ports/state_port.h"

namespace glb::control {

/// Records that the guard of this manifest remains although the manifest is no longer active; empty: none.
[[nodiscard]] Status persist_kept_guard(StatePort &state, const std::string &manifest_text);
/// Empty if there is none.
[[nodiscard]] std::string load_kept_guard_text(const StatePort &state);
/// null if there is none, or it cannot be parsed.
[[nodiscard]] std::shared_ptr<const config::Manifest> load_kept_guard(const StatePort &state);

} // namespace glb::control
