#include "controller/control/boot_guard.h"

#include <fmt/ranges.h>

#include "controller/config/parser.h"
#include "controller/control/kept_guard.h"
#include "controller/util/log.h"

namespace glb::control {

namespace {

/// The manifest that the daemon would start with; nullopt: there is none.
Result<std::optional<ManifestFile>> manifest_for_boot(const StatePort &state,
                                                      const std::optional<ManifestFile> &first_manifest) {
    auto stored = state.load_manifest();
    if (!stored.warning.empty())
        spdlog::warn("{}", stored.warning);
    if (stored.text)
        return ManifestFile{state.manifest_path(), std::move(*stored.text)};
    if (!first_manifest && !stored.warning.empty())
        return fail("the active manifest cannot be read, so it is unknown what to guard: {}; name a manifest "
                    "with --manifest",
                    stored.warning);
    auto kept = load_kept_guard_text(state);
    if (first_manifest || kept.empty())
        return first_manifest;
    return ManifestFile{state.manifest_path(), std::move(kept)};
}

} // namespace

Result<std::vector<std::string>> install_guard_alone(const Ports &ports, const config::Manifest &manifest) {
    GLB_ASSIGN(const auto snapshot, ports.network.read());
    // Marks matter once a data path is loaded; the daemon writes them again then.
    const auto found = ports.datapath.inspect(datapath::round_capacity(manifest.node.flow_table_capacity));
    auto indexes =
        found && *found ? plan::IndexAllocator::from_names((*found)->config.names) : plan::IndexAllocator();
    for (const auto &endpoint : manifest.endpoints)
        GLB_TRY(indexes.claim(plan::IndexKind::endpoint, endpoint.name));
    const auto plan = plan::plan_guard(manifest, indexes, snapshot, ports.state.value(devices_key));
    GLB_TRY(ports.guard.install(plan));
    return plan::guard_devices(plan);
}

Status install_kept_guard(const Ports &ports, const config::Manifest &kept) {
    GLB_ASSIGN(const auto devices, install_guard_alone(ports, kept));
    spdlog::warn("guard: kept by glbctl down --keep-guard, installed on {}: it blocks all endpoint traffic "
                 "until a manifest is applied",
                 fmt::join(devices, ", "));
    return {};
}

Status install_boot_guard(const Ports &ports, const std::optional<ManifestFile> &first_manifest) {
    GLB_ASSIGN(const auto file, manifest_for_boot(ports.state, first_manifest));
    if (!file) {
        spdlog::info("no manifest has been applied yet: there is nothing to guard");
        return {};
    }
    GLB_ASSIGN(const auto text, file->text);
    const auto manifest = config::parse_manifest(text);
    if (!manifest)
        return refused(file->path, manifest.error());
    GLB_TRY(ports.datapath.lock());
    GLB_ASSIGN(const auto devices, install_guard_alone(ports, *manifest));
    spdlog::info("guard: installed on {}: no endpoint traffic is forwarded before glbd runs",
                 fmt::join(devices, ", "));
    return {};
}

} // namespace glb::control
