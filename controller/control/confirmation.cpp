#include "controller/control/confirmation.h"

#include <array>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "controller/state/boot_time.h"

namespace glb::control {

namespace {

/// Of the manifest that is stored, and of one that is about to be.
constexpr auto current_key = "confirmation", next_key = "nextConfirmation";

nlohmann::json json_of(const std::optional<Confirmation> &confirmation) {
    return confirmation ? confirmation->to_json() : nlohmann::json();
}

std::optional<KeptGuard> kept_guard_from_json(const nlohmann::json &json) {
    if (!json.is_object() || !json.contains("manifest") || !json["manifest"].is_string())
        return std::nullopt;
    return KeptGuard{json["manifest"], json.value("devices", nlohmann::json())};
}

} // namespace

std::string manifest_digest(std::string_view text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    ::SHA256(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest.data());
    return fmt::format("{:02x}", fmt::join(digest, ""));
}

bool Confirmation::concerns(std::string_view manifest) const {
    return control::manifest_digest(manifest) == manifest_digest;
}

nlohmann::json Confirmation::to_json() const {
    nlohmann::json json{{"manifest", manifest_digest},
                        {"revertTo", revert_to ? nlohmann::json(*revert_to) : nlohmann::json()},
                        {"until", state::to_json_time(until)},
                        {"by", by}};
    if (kept_guard)
        json["keptGuard"] = {{"manifest", kept_guard->manifest}, {"devices", kept_guard->devices}};
    return json;
}

std::optional<Confirmation> Confirmation::from_json(const nlohmann::json &json) {
    if (!json.is_object() || !json.contains("manifest") || !json["manifest"].is_string() ||
        !json.contains("revertTo") || !json.contains("until") ||
        !(json["revertTo"].is_string() || json["revertTo"].is_null()))
        return std::nullopt;
    Confirmation read{json["manifest"], {}, state::time_from_json(json["until"])};
    if (json["revertTo"].is_string())
        read.revert_to = json["revertTo"].get<std::string>();
    if (json.contains("by") && json["by"].is_string())
        read.by = json["by"];
    if (json.contains("keptGuard"))
        read.kept_guard = kept_guard_from_json(json["keptGuard"]);
    return read;
}

std::optional<Confirmation> load_confirmation(const StatePort &state, std::string_view manifest) {
    for (const char *key : {current_key, next_key})
        if (auto stored = Confirmation::from_json(state.value(key)); stored && stored->concerns(manifest))
            return stored;
    return std::nullopt;
}

Status store_next_confirmation(StatePort &state, const std::optional<Confirmation> &next) {
    return persist(state, next_key, json_of(next));
}

bool has_stored_confirmation(const StatePort &state) {
    return !state.value(current_key).is_null() || !state.value(next_key).is_null();
}

Status store_confirmation(StatePort &state, const std::optional<Confirmation> &confirmation) {
    GLB_TRY(persist(state, current_key, json_of(confirmation)));
    return persist(state, next_key, nullptr);
}

} // namespace glb::control
