// Confirmation: the active manifest is pending confirmation. Unless it is confirmed in time, the previous one
// is restored.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "controller/control/ports/state_port.h"
#include "controller/util/monotonic_time.h"

namespace glb::control {

/// What blocked before a first manifest.
struct KeptGuard {
    std::string manifest;                      ///< of persist_kept_guard(); empty: unknown
    nlohmann::json devices = nlohmann::json(); ///< of devices_key
};

/// Stored before its manifest, which it identifies by digest: it is ignored if the stored manifest is another
/// one.
struct Confirmation {
    std::string manifest_digest; ///< SHA-256 of the pending text, in hex
    /// The previous text, usable or not; nullopt: there was no manifest.
    std::optional<std::string> revert_to;
    MonotonicTime until;
    std::string by = {};                      ///< who applied it, for those who meet it: "uid 0, pid 812"
    std::optional<KeptGuard> kept_guard = {}; ///< nullopt: no guard without an active manifest preceded it

    [[nodiscard]] bool concerns(std::string_view manifest) const;
    [[nodiscard]] nlohmann::json to_json() const;
    /// Nothing if `json` is no confirmation.
    [[nodiscard]] static std::optional<Confirmation> from_json(const nlohmann::json &json);
};

/// The stored confirmation of the manifest with this text; nullopt: it is not pending.
[[nodiscard]] std::optional<Confirmation> load_confirmation(const StatePort &state,
                                                            std::string_view manifest);
/// To be called before a manifest is stored: it will be pending, or nullopt: it will not. The confirmation of the
/// manifest that is stored remains until store_confirmation().
[[nodiscard]] Status store_next_confirmation(StatePort &state, const std::optional<Confirmation> &next);
[[nodiscard]] bool has_stored_confirmation(const StatePort &state);
/// Of the stored manifest.
[[nodiscard]] Status store_confirmation(StatePort &state, const std::optional<Confirmation> &confirmation);

/// SHA-256 in hex.
[[nodiscard]] std::string manifest_digest(std::string_view text);

} // namespace glb::control
