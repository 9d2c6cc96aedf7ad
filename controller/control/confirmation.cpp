#include "controller/control/confirmation.h"

#include <array>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "controller/state/boot_time.h"

namespace glb::control {

std::string manifest_digest(std::string_view text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    ::SHA256(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest.data());
    return fmt::format("{:02x}", fmt::join(digest, ""));
}

bool Confirmation::concerns(std::string_view manifest) const {
    return control::manifest_digest(manifest) == manifest_digest;
}

nlohmann::json Confirmation::to_json() const {
    return {{"manifest", manifest_digest},
            {"revertTo", revert_to ? nlohmann::json(*revert_to) : nlohmann::json()},
            {"until", state::to_json_time(until)},
            {"by", by}};
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
    return read;
}

} // namespace glb::control
