// Confirmation: a manifest that is in force on trial. Unless somebody confirms it in time, the one before
// returns.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace glb {

/// It is stored before its manifest and names that by content, so that the two can never be out of step:
/// beside any other manifest it says nothing.
struct Confirmation {
    std::string manifest_digest;          ///< SHA-256 of the text on trial, in hex
    std::optional<std::string> revert_to; ///< the text before; none: there was no manifest
    std::chrono::steady_clock::time_point until;

    [[nodiscard]] bool concerns(std::string_view manifest) const;
    [[nodiscard]] nlohmann::json to_json() const;
    /// Nothing where `json` is no confirmation.
    [[nodiscard]] static std::optional<Confirmation> from_json(const nlohmann::json &json);
};

/// SHA-256 in hex.
[[nodiscard]] std::string manifest_digest(std::string_view text);

} // namespace glb
