#include "controller/control/offloads.h"

#include "controller/util/log.h"

namespace glb::control {

namespace {

/// False if the interface refuses, or has no such feature.
bool turn_on(NetworkPort &network, const std::string &interface, const std::string &name) {
    for (const auto feature :
         {network::OffloadFeature::rx_vlan, network::OffloadFeature::lro, network::OffloadFeature::gro})
        if (to_string(feature) == name)
            return network.set_offload(interface, feature, true).has_value();
    return false;
}

} // namespace

std::vector<network::OffloadFeature> interfering_offloads(const std::string &interface, bool generic_mode,
                                                          NetworkPort &network) {
    std::vector<network::OffloadFeature> offloads;
    for (const auto feature :
         {network::OffloadFeature::rx_vlan, network::OffloadFeature::gro, network::OffloadFeature::lro}) {
        if (feature != network::OffloadFeature::rx_vlan && !generic_mode)
            continue;
        if (const auto on = network.offload(interface, feature); on && *on)
            offloads.push_back(feature);
    }
    return offloads;
}

Status record_offloads(const std::string &interface, const std::vector<network::OffloadFeature> &offloads,
                       StatePort &state) {
    auto record = state.value(offloads_key);
    if (!record.is_object())
        record = nlohmann::json::object();
    for (const auto feature : offloads)
        record[interface][std::string(to_string(feature))] = true;
    return persist(state, offloads_key, std::move(record));
}

void switch_off(const std::string &interface, const std::vector<network::OffloadFeature> &offloads,
                NetworkPort &network) {
    for (const auto feature : offloads)
        if (const auto done = network.set_offload(interface, feature, false); !done)
            spdlog::warn("interface {}: cannot turn {} off: {}", interface, to_string(feature),
                         done.error().message);
}

nlohmann::json restore_unneeded_offloads(const nlohmann::json &record, const network::Snapshot &snapshot,
                                         const std::set<unsigned> &attached, bool generic_mode,
                                         NetworkPort &network) {
    nlohmann::json left;
    if (!record.is_object())
        return left;
    for (const auto &[interface, row] : record.items()) {
        const auto *link = snapshot.link(interface);
        const bool is_attached = link && attached.contains(link->index);
        for (const auto &[name, on] : row.items()) {
            const bool needed =
                is_attached && (generic_mode || name == to_string(network::OffloadFeature::rx_vlan));
            if (needed || !link || !turn_on(network, interface, name))
                left[interface][name] = on;
        }
    }
    return left;
}

nlohmann::json restore_all_offloads(const nlohmann::json &record, NetworkPort &network) {
    nlohmann::json left;
    if (!record.is_object())
        return left;
    for (const auto &[interface, row] : record.items())
        for (const auto &[name, on] : row.items())
            if (!turn_on(network, interface, name)) { // it may not exist now
                spdlog::warn("interface {}: cannot turn {} on again; it is recorded", interface, name);
                left[interface][name] = on;
            }
    return left;
}

} // namespace glb::control
