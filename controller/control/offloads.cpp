#include "controller/control/offloads.h"

#include <vector>

#include "controller/util/log.h"

namespace glb {

namespace {

constexpr auto offloads_key = "offloads"; ///< {"eth1": {"gro": true}}: what was on

/// False if the interface refuses, or has no such feature.
bool turn_on(NetworkPort &network, const std::string &interface, const std::string &name) {
    for (const auto feature : {OffloadFeature::rx_vlan, OffloadFeature::lro, OffloadFeature::gro})
        if (to_string(feature) == name)
            return network.set_offload(interface, feature, true).has_value();
    return false;
}

} // namespace

Status prepare_offloads(const std::string &interface, bool generic_mode, NetworkPort &network,
                        StatePort &state) {
    std::vector<OffloadFeature> off{OffloadFeature::rx_vlan};
    if (generic_mode)
        off.insert(off.end(), {OffloadFeature::gro, OffloadFeature::lro});
    auto former = state.value(offloads_key);
    if (!former.is_object())
        former = nlohmann::json::object();
    for (const auto feature : off) {
        const auto on = network.offload(interface, feature);
        if (!on || !*on)
            continue;
        const std::string name(to_string(feature));
        if (auto &row = former[interface]; !row.contains(name)) {
            row[name] = true;
            GLB_TRY(state.set_value(offloads_key, former));
        }
        if (const auto done = network.set_offload(interface, feature, false); !done)
            spdlog::warn("interface {}: cannot turn {} off: {}", interface, name, done.error().message);
    }
    return {};
}

Status restore_unneeded_offloads(const Snapshot &snapshot, const std::set<unsigned> &attached,
                                 bool generic_mode, NetworkPort &network, StatePort &state) {
    const auto former = state.value(offloads_key);
    if (!former.is_object())
        return {};
    auto left = nlohmann::json::object();
    for (const auto &[interface, row] : former.items()) {
        const auto *link = snapshot.link(interface);
        const bool is_attached = link && attached.contains(link->index);
        for (const auto &[name, on] : row.items()) {
            const bool needed = is_attached && (generic_mode || name == to_string(OffloadFeature::rx_vlan));
            if (needed || !link || !turn_on(network, interface, name))
                left[interface][name] = on;
        }
    }
    if (left == former)
        return {};
    return state.set_value(offloads_key, left.empty() ? nlohmann::json() : std::move(left));
}

void restore_all_offloads(NetworkPort &network, StatePort &state) {
    const auto former = state.value(offloads_key);
    if (former.is_object())
        for (const auto &[interface, row] : former.items())
            for (const auto &[name, on] : row.items())
                (void)turn_on(network, interface, name); // the interface may not exist any more
    (void)state.set_value(offloads_key, nullptr);
}

} // namespace glb
