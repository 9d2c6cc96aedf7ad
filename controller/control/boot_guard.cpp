#include "controller/control/boot_guard.h"

#include <fmt/ranges.h>

#include "controller/config/parser.h"
#include "controller/control/guard_source.h"
#include "controller/util/log.h"

namespace glb::control {

namespace {

constexpr auto unknown_endpoint = "?"; // no name of a manifest
constexpr auto boot_effect = "no endpoint traffic is forwarded before glbd runs";

/// `first_manifest` is used where nothing else is known of a manifest that was applied.
Result<std::optional<GuardSource>> source_for_boot(const StatePort &state,
                                                   const std::optional<ManifestFile> &first_manifest) {
    const auto stored = state.load_manifest();
    if (!stored.warning.empty())
        spdlog::warn("{}", stored.warning);
    auto source = find_guard_source(state);
    const bool is_known = stored.text || (!stored.warning.empty() && source && source->manifest);
    if (is_known || !first_manifest)
        return source;
    GLB_ASSIGN(const auto text, first_manifest->text);
    const auto manifest = config::parse_manifest(text);
    if (!manifest)
        return refused(first_manifest->path, manifest.error());
    return GuardSource{std::make_shared<const config::Manifest>(*manifest), source ? source->problem : "",
                       !source};
}

} // namespace

Result<std::vector<std::string>> install_guard_alone(const Ports &ports, const config::Manifest &manifest,
                                                     bool is_complete) {
    GLB_ASSIGN(const auto snapshot, ports.network.read());
    // Marks matter once a data path is loaded; the daemon writes them again then.
    const auto found = ports.datapath.inspect(datapath::round_capacity(manifest.node.flow_table_capacity));
    auto indexes =
        found && *found ? plan::IndexAllocator::from_names((*found)->config.names) : plan::IndexAllocator();
    for (const auto &endpoint : manifest.endpoints)
        GLB_TRY(indexes.claim(plan::IndexKind::endpoint, endpoint.name));
    const auto known = ports.state.value(devices_key);
    auto plan = plan::plan_guard(manifest, indexes, snapshot, known);
    if (!is_complete) {
        for (auto &port : plan::unplanned_ports(plan, snapshot, known)) {
            GLB_ASSIGN(port.endpoint, indexes.claim(plan::IndexKind::endpoint, unknown_endpoint));
            plan.ports.push_back(std::move(port));
        }
    }
    GLB_TRY(ports.guard.install(plan));
    return plan::guard_devices(plan);
}

Result<bool> install_guard_of(const Ports &ports, const GuardSource &source, const std::string &effect,
                              bool anew) {
    if (source.manifest) {
        const auto devices = install_guard_alone(ports, *source.manifest, source.is_complete);
        if (devices) {
            spdlog::info("guard: installed on {}: {}", fmt::join(*devices, ", "), effect);
            return true;
        }
        if (source.is_complete || devices.error().code == EBUSY)
            return tl::unexpected(devices.error());
        spdlog::warn("guard: {}", devices.error().message); // of a manifest that is not read completely
    }
    GLB_ASSIGN(const bool stands, ports.guard.restore(known_device_names(ports.state), anew));
    if (stands)
        spdlog::warn("guard: the one that was found, or of the devices that had one, is installed: {}",
                     effect);
    return stands;
}

Status install_boot_guard(const Ports &ports, const std::optional<ManifestFile> &first_manifest) {
    if (auto locked = ports.datapath.lock(); !locked) {
        if (locked.error().code == EBUSY)
            return locked;
        spdlog::error("{}", locked.error().message); // the walls need no bpffs
    }
    GLB_ASSIGN(const auto source, source_for_boot(ports.state, first_manifest));
    if (source && !source->problem.empty())
        spdlog::error("{}", source->problem);
    GLB_ASSIGN(const bool stands, install_guard_of(ports, source.value_or(GuardSource{}), boot_effect));
    if (stands)
        return {};
    if (source && !source->problem.empty())
        return fail("it is unknown what to guard: {}; name a manifest with --manifest", source->problem);
    spdlog::info("no manifest has been applied yet: there is nothing to guard");
    return {};
}

} // namespace glb::control
