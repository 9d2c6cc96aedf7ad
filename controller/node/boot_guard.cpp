#include "controller/node/boot_guard.h"

#include <cerrno>

#include <fmt/ranges.h>

#include "controller/config/parse.h"
#include "controller/util/log.h"

namespace glb {

namespace {

using Kind = IndexBook::Kind;

std::string port_name(const guard::GuardPort &port, char between) {
    std::string name = port.interface;
    for (const auto vlan : port.vlans)
        if (vlan != 0)
            name += between + std::to_string(vlan);
    return name;
}

/// The manifest that the daemon would take, and why it is not the one in force; nullopt: there is none.
Result<std::optional<std::string>> manifest_for_boot(const StateStore &store,
                                                     const std::optional<std::string> &first_manifest) {
    auto stored = store.load_manifest();
    if (!stored.warning.empty())
        spdlog::warn("{}", stored.warning);
    if (stored.text)
        return std::move(stored.text);
    if (!first_manifest && !stored.warning.empty())
        return fail("the manifest in force cannot be read, so nobody knows what to guard: {}; name one by --manifest",
                    stored.warning);
    return first_manifest;
}

/// Marks of endpoints matter once the data path is loaded, and the daemon writes them anew then; those of maps
/// that are still pinned stay as they are.
Result<IndexBook> boot_indexes(const Manifest &manifest, const std::filesystem::path &bpffs) {
    std::vector<std::string> names;
    GLB_ASSIGN(const auto pins, datapath::Pins::open(bpffs));
    if (auto pinned = datapath::pinned_names(pins))
        names = std::move(*pinned);
    auto book = IndexBook::from_names(names);
    for (const auto &endpoint : manifest.endpoints)
        GLB_TRY(book.claim(Kind::endpoint, endpoint.name));
    return book;
}

/// A VLAN's device that is not there yet goes by the name that it had, else by the usual one.
void name_absent_devices(guard::GuardPlan &plan, const nlohmann::json &known) {
    for (auto &port : plan.ports) {
        if (!port.device.empty())
            continue;
        const auto found = known.is_object() ? known.find(port_name(port, '/')) : known.end();
        port.device = found != known.end() && found->is_string() ? found->get<std::string>() : port_name(port, '.');
    }
}

} // namespace

nlohmann::json vlan_devices(const guard::GuardPlan &plan) {
    auto names = nlohmann::json::object();
    for (const auto &port : plan.ports)
        if (port.vlans[0] != 0 && !port.device.empty())
            names[port_name(port, '/')] = port.device;
    return names.empty() ? nlohmann::json(nullptr) : names;
}

Status install_boot_guard(const NodeSettings &settings, const std::optional<std::string> &first_manifest) {
    auto store = StateStore::open(settings.state_dir);
    if (!store && store.error().code == EBUSY) {
        spdlog::info("a daemon has {}: the guard is its own", settings.state_dir.string());
        return {};
    }
    if (!store)
        return tl::unexpected(std::move(store).error());
    GLB_ASSIGN(const auto text, manifest_for_boot(*store, first_manifest));
    if (!text) {
        spdlog::info("no manifest was applied yet: there is nothing to guard");
        return {};
    }
    auto manifest = parse_manifest(*text);
    if (!manifest)
        return fail("the manifest is not understood: {}: {}", manifest.error().front().pointer,
                    manifest.error().front().message);
    GLB_ASSIGN(auto netlink, Netlink::open());
    GLB_ASSIGN(const auto snapshot, take_snapshot(netlink));
    GLB_ASSIGN(const auto book, boot_indexes(*manifest, settings.bpffs));
    auto plan = plan_guard(*manifest, book, snapshot);
    name_absent_devices(plan, store->value("vlanDevices"));
    GLB_ASSIGN(auto guard, guard::Guard::open({settings.bpffs / "guard", settings.state_dir / "guard.json"}));
    GLB_TRY(guard.install(plan));
    spdlog::info("the guard stands on {}: nothing is forwarded past the appliances before glbd runs",
                 fmt::join(guard::devices(plan), ", "));
    return {};
}

} // namespace glb
