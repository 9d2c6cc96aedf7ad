#include "controller/control/kept_guard.h"

#include "controller/config/parser.h"

namespace glb {

namespace {

constexpr auto kept_guard_key = "keptGuard";

} // namespace

Status persist_kept_guard(StatePort &state, const std::string &manifest_text) {
    const auto value = manifest_text.empty() ? nlohmann::json() : nlohmann::json(manifest_text);
    return state.value(kept_guard_key) == value ? Status{} : state.set_value(kept_guard_key, value);
}

std::string load_kept_guard_text(const StatePort &state) {
    const auto kept = state.value(kept_guard_key);
    return kept.is_string() ? kept.get<std::string>() : "";
}

std::optional<Manifest> load_kept_guard(const StatePort &state) {
    const auto text = load_kept_guard_text(state);
    if (text.empty())
        return std::nullopt;
    auto manifest = parse_manifest(text);
    return manifest ? std::optional(std::move(*manifest)) : std::nullopt;
}

} // namespace glb
