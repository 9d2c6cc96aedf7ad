// The snapshot that control publishes.
#include "controller/control/node_state.h"
#include "controller/network/topology.h"
#include "controller/plan/bank_plan.h"

namespace glb::control {

namespace {

void add_interfaces(const config::Manifest &manifest, const NodeState &state,
                    const std::set<unsigned> &attached, observe::NodeSnapshot &snapshot) {
    for (const auto &name : plan::interface_names(manifest)) {
        auto &row = snapshot.interfaces[name];
        const auto *link = state.installed.network.link(name);
        if (!link)
            continue;
        row.exists = true;
        row.mtu = link->mtu;
        row.attached = attached.contains(link->index);
        row.has_punt_path = !state.conditions.without_punt_path.contains(link->index);
    }
}

observe::GuardSnapshot guard_snapshot(const NodeState &state) {
    observe::GuardSnapshot guard;
    guard.installed = state.installed.guard;
    guard.restored = state.conditions.guard_restored;
    for (const auto &condition : state.conditions.guard.conditions)
        guard.warnings.push_back(to_string(condition));
    guard.counted = state.conditions.guard.counted;
    guard.counter = state.conditions.guard.counter;
    guard.manifest = state.desired.manifest ? state.desired.manifest : state.installed.kept_guard;
    return guard;
}

} // namespace

std::string not_ready_reason(const NodeState &state, bool is_loaded, const std::set<unsigned> &attached) {
    const auto &manifest = state.desired.manifest;
    const auto &failure = state.conditions.failure;
    if (!manifest && state.conditions.orphaned_epoch)
        return fmt::format(
            "a data path of an earlier daemon is running (epoch {}), but the state directory has no usable "
            "manifest: start glbd with the --state-dir that it was applied with, apply the manifest, or "
            "remove the "
            "data path with glbctl down --yes{}{}",
            *state.conditions.orphaned_epoch, failure.empty() ? "" : "; ", failure);
    if (!failure.empty())
        return failure;
    if (!manifest)
        return "waiting for a manifest: glbctl apply FILE";
    if (!is_loaded)
        return "the data path is not loaded";
    const auto &network = state.installed.network;
    for (const auto &name : plan::interface_names(*manifest))
        if (const auto *link = network.link(name); !link)
            return fmt::format("interface {} does not exist", name);
        else if (!attached.contains(link->index))
            return fmt::format("the XDP program is not attached to {}; see the log of glbd", name);
    const auto &address = manifest->node.tunnel.address;
    return network::has_address(network, address)
               ? ""
               : fmt::format("waiting for the tunnel address {}", address.to_string());
}

std::shared_ptr<const observe::NodeSnapshot> node_snapshot(const NodeState &state, const Ports &ports,
                                                           const std::set<unsigned> &attached) {
    observe::NodeSnapshot snapshot;
    const auto &desired = state.desired;
    snapshot.not_ready_reason = not_ready_reason(state, ports.datapath.is_loaded(), attached);
    const auto health = ports.health.snapshot();
    if (snapshot.not_ready_reason.empty() && !health->write_error.empty())
        snapshot.not_ready_reason =
            fmt::format("target states cannot be written, retried every second: {}", health->write_error);
    snapshot.conditions = state.conditions.board.held();
    snapshot.manifest = desired.manifest;
    snapshot.guard = guard_snapshot(state);
    for (const auto &manifest : {snapshot.manifest, snapshot.guard.manifest})
        if (manifest)
            add_interfaces(*manifest, state, attached, snapshot);
    snapshot.bypasses = desired.bypasses.ends();
    if (desired.confirmation)
        snapshot.confirm_until = desired.confirmation->until;
    snapshot.indexes = std::shared_ptr<const plan::IndexAllocator>(state.installed.allocation,
                                                                   &state.installed.allocation->indexes);
    snapshot.maglev_slots = state.installed.maglev_slots;
    snapshot.datapath = ports.datapath.handles();
    if (const auto since = ports.state.value(counters_since_key);
        ports.datapath.is_loaded() && since.is_string())
        snapshot.counters_since = since;
    snapshot.one_way_tcp = state.conditions.one_way_tcp;
    snapshot.netlink_overruns = ports.network.overruns();
    return std::make_shared<const observe::NodeSnapshot>(std::move(snapshot));
}

} // namespace glb::control
