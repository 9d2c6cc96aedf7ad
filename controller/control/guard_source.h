// GuardSource: what is to be guarded while no manifest is active, from what the state folder still has.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/control/ports/state_port.h"

namespace glb::control {

struct GuardSource {
    std::shared_ptr<const config::Manifest> manifest; ///< null: unknown
    /// Why there is no active manifest although there was one; empty: nothing is wrong.
    std::string problem = {};
    /// The manifest is the one whose guard it was, and this version can read all of it.
    bool is_complete = false;
};

/// The stored manifest, as far as this version can parse it; the last one of the history if the stored one is damaged,
/// or missing although devices are recorded as guarded; the one whose guard `down` kept. nullopt: none was applied.
[[nodiscard]] std::optional<GuardSource> find_guard_source(const StatePort &state);

/// The last manifest of the history that this version can parse, for one that is damaged; nullopt: none.
[[nodiscard]] std::optional<std::string> last_good_manifest(const StatePort &state);

/// All devices of devices_key.
[[nodiscard]] std::vector<std::string> known_device_names(const StatePort &state);

} // namespace glb::control
