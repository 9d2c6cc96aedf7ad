#include "controller/control/host_conditions.h"

#include <iterator>
#include <map>

#include <fmt/format.h>

#include "controller/control/host_checks.h"
#include "controller/control/redirect_checks.h"
#include "controller/datapath/counter_reader.h"
#include "controller/plan/bank_plan.h"
#include "controller/plan/guard_plan.h"

namespace glb::control {

namespace {

std::vector<Condition> interfaces_without_punt_path(const config::Manifest &manifest,
                                                    const NodeState &state) {
    std::vector<Condition> conditions;
    for (const auto &name : plan::interface_names(manifest)) {
        const auto *link = state.installed.network.link(name);
        if (link && state.conditions.without_punt_path.contains(link->index))
            conditions.push_back({Severity::error, "no-punt-path", name,
                                  "its driver does not support XDP metadata, so returned packets that need "
                                  "the host stack are dropped (punt_failed)",
                                  "set node.xdpMode to \"generic\""});
    }
    return conditions;
}

/// Found by the data path, since the senders' devices may be anywhere: in other namespaces, in virtual machines.
std::vector<Condition> missing_checksums(const NodeState &state, MonotonicTime now) {
    std::map<unsigned, std::string> endpoints; // by interface
    for (const auto &place : state.conditions.tx_offload.found(now)) {
        auto &names = endpoints[place.ifindex];
        names += (names.empty() ? "" : ", ") +
                 state.installed.allocation->indexes.name_of(plan::IndexKind::endpoint, place.endpoint);
    }
    std::vector<Condition> conditions;
    for (const auto &[ifindex, names] : endpoints)
        if (const auto *link = state.installed.network.link(ifindex))
            conditions.push_back(
                {Severity::warning, "tx-offload", link->name,
                 fmt::format("packets of endpoint {} arrive without a complete TCP or UDP checksum, which a "
                             "virtual device of their sender leaves out: appliances and hosts drop them",
                             names),
                 fmt::format("at the sender (the far end of {}, or a virtual machine): ethtool -K DEV tx off",
                             link->name)});
    return conditions;
}

} // namespace

std::vector<Condition> host_conditions(const config::Manifest &manifest, const NodeState &state,
                                       const Ports &ports) {
    const auto &network = state.installed.network;
    auto conditions = check_host(manifest, network).warnings;
    const auto devices = plan::receiving_device_names(manifest, network, ports.state.value(devices_key));
    std::ranges::move(ports.guard.missing_forwarding(devices), std::back_inserter(conditions));
    std::ranges::move(interfaces_without_punt_path(manifest, state), std::back_inserter(conditions));
    std::ranges::move(missing_checksums(state, ports.clock.now()), std::back_inserter(conditions));
    std::ranges::move(bypassed_by_redirects(manifest, network), std::back_inserter(conditions));
    return conditions;
}

void report_host_conditions(NodeState &state, const Ports &ports) {
    const auto &manifest = state.desired.manifest;
    update_and_log(state.conditions.board, host_source,
                   manifest ? host_conditions(*manifest, state, ports) : std::vector<Condition>{},
                   ports.clock.now());
}

void report_drops(NodeState &state, const Ports &ports) {
    const auto handles = ports.datapath.handles();
    if (!handles)
        return;
    const auto drops = datapath::CounterReader(handles).drops();
    const auto now = ports.clock.now();
    if (drops)
        update_and_log(state.conditions.board, drops_source, state.conditions.drops.update(*drops, now), now);
}

void report_state_conditions(NodeState &state, const Ports &ports) {
    update_and_log(state.conditions.board, state_source, ports.state.conditions(), ports.clock.now());
}

void report_bypasses(NodeState &state, MonotonicTime now) {
    std::vector<Condition> conditions;
    for (const auto &[endpoint, end] : state.desired.bypasses.ends())
        conditions.push_back({Severity::error, "bypass", endpoint,
                              "an operator has bypassed it: its packets are forwarded UNINSPECTED",
                              fmt::format("glbctl bypass {} --off", endpoint)});
    (void)state.conditions.board.update(operator_source, conditions, now); // logged by the command
}

} // namespace glb::control
