#include "controller/control/guard_source.h"

#include "controller/config/parser.h"
#include "controller/control/kept_guard.h"
#include "controller/util/containers.h"

namespace glb::control {

namespace {

using ManifestPtr = std::shared_ptr<const config::Manifest>;

/// Without what this version cannot read. null: it names no interface of an endpoint.
ManifestPtr readable_part(const std::string &text) {
    auto manifest = config::parse_unchecked(text).manifest;
    for (auto &endpoint : manifest.endpoints)
        std::erase_if(endpoint.interfaces,
                      [](const InterfaceRef &interface) { return interface.name.empty(); });
    std::erase_if(manifest.endpoints, [](const config::Endpoint &endpoint) {
        return endpoint.name.empty() || endpoint.interfaces.empty();
    });
    return manifest.endpoints.empty() ? nullptr
                                      : std::make_shared<const config::Manifest>(std::move(manifest));
}

ManifestPtr newest_of_history(const StatePort &state) {
    for (const auto &entry : state.history())
        if (auto manifest = readable_part(entry.manifest))
            return manifest;
    return nullptr;
}

} // namespace

std::optional<GuardSource> find_guard_source(const StatePort &state) {
    const auto stored = state.load_manifest();
    const auto path = state.manifest_path().string();
    if (stored.text) {
        const auto manifest = config::parse_manifest(*stored.text);
        if (manifest)
            return GuardSource{std::make_shared<const config::Manifest>(*manifest), "", true};
        const auto &first = manifest.error().front();
        return GuardSource{readable_part(*stored.text),
                           fmt::format("the active manifest cannot be used: {}",
                                       config::error_line(path, first.pointer, first.message))};
    }
    if (!stored.warning.empty())
        return GuardSource{newest_of_history(state),
                           fmt::format("the active manifest cannot be read: {}", stored.warning)};
    if (const auto kept = load_kept_guard_text(state); !kept.empty())
        return GuardSource{readable_part(kept), "", config::parse_manifest(kept).has_value()};
    if (!known_device_names(state).empty())
        return GuardSource{newest_of_history(state),
                           fmt::format("the active manifest is lost: {}: No such file or directory", path)};
    return std::nullopt;
}

std::optional<std::string> last_good_manifest(const StatePort &state) {
    for (auto &entry : state.history())
        if (config::parse_manifest(entry.manifest))
            return std::move(entry.manifest);
    return std::nullopt;
}

std::vector<std::string> known_device_names(const StatePort &state) {
    std::vector<std::string> names;
    const auto known = state.value(devices_key);
    if (!known.is_object())
        return names;
    for (const auto &[port, devices] : known.items()) {
        push_back_unique(names, port.substr(0, port.find('/')));
        for (const auto &device : devices)
            if (device.is_string())
                push_back_unique(names, device.get<std::string>());
    }
    return names;
}

} // namespace glb::control
