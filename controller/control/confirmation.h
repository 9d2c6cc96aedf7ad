// Confirmation: the active manifest is pending confirmation. Unless it is confirmed in time, the previous one
// is restored.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "controller/util/monotonic_time.h"

namespace glb::control {

/// Stored before its manifest, which it identifies by digest: it is ignored if the stored manifest is another
/// one.
struct Confirmation {
    std::string manifest_digest;          ///< SHA-256 of the pending text, in hex
    std::optional<std::string> revert_to; ///< the previous text; nullopt: there was no manifest
    MonotonicTime until;
    std::string by = {}; ///< who applied it, for those who meet it: "uid 0, pid 812"

    [[nodiscard]] bool concerns(std::string_view manifest) const;
    [[nodiscard]] nlohmann::json to_json() const;
    /// Nothing if `json` is no confirmation.
    [[nodiscard]] static std::optional<Confirmation> from_json(const nlohmann::json &json);
};

/// SHA-256 in hex.
[[nodiscard]] std::string manifest_digest(std::string_view text);

} // namespace glb::control
