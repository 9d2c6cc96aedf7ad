#include "controller/control/kept_guard.h"

#include "controller/config/parser.h"

namespace glb::control {

namespace {

constexpr auto kept_guard_key = "keptGuard";

} // namespace

Status persist_kept_guard(StatePort &state, const std::string &manifest_text) {
    return persist(state, kept_guard_key,
                   manifest_text.empty() ? nlohmann::json() : nlohmann::json(manifest_text));
}

std::string load_kept_guard_text(const StatePort &state) {
    const auto kept = state.value(kept_guard_key);
    return kept.is_string() ? kept.get<std::string>() : "";
}

std::shared_ptr<const config::Manifest> load_kept_guard(const StatePort &state) {
    const auto text = load_kept_guard_text(state);
    if (text.empty())
        return nullptr;
    auto manifest = config::parse_manifest(text);
    return manifest ? std::make_shared<const config::Manifest>(std::move(*manifest)) : nullptr;
}

} // namespace glb::control
