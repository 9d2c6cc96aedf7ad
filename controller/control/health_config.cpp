#include "controller/control/health_config.h"

#include "controller/config/formats.h"

namespace glb::control {

namespace {

health::ProbeKind probe_kind(config::ProbeProtocol protocol) {
    switch (protocol) {
    case config::ProbeProtocol::tcp:
        return health::ProbeKind::tcp;
    case config::ProbeProtocol::http:
        return health::ProbeKind::http;
    case config::ProbeProtocol::https:
        return health::ProbeKind::https;
    case config::ProbeProtocol::geneve: // probed in-band
    case config::ProbeProtocol::none:
        break;
    }
    return health::ProbeKind::none;
}

health::ProbeSettings probe_settings(const config::HealthCheck &check) {
    health::ProbeSettings settings;
    settings.protocol = probe_kind(check.protocol);
    settings.port = check.port;
    settings.path = check.path;
    settings.host = check.host;
    settings.ca_file = check.ca_file;
    if (auto matcher = health::StatusMatcher::parse(config::format_matcher(check.matcher)))
        settings.matcher = *matcher;
    settings.timeout = check.timeout;
    settings.interval = check.interval;
    settings.healthy_threshold = check.healthy_threshold;
    settings.unhealthy_threshold = check.unhealthy_threshold;
    return settings;
}

health::InBandSettings in_band_settings(const config::HealthCheck &check) {
    return {check.protocol == config::ProbeProtocol::geneve,
            {check.in_band.source, check.in_band.destination, check.in_band.port},
            check.interval,
            check.timeout};
}

health::DetectorSettings detector_settings(const config::TargetGroup &group) {
    health::DetectorSettings settings;
    settings.window = group.health_check.passive.window.value_or(settings.window);
    settings.max_ejected_percent = group.health_check.max_ejected_percent;
    settings.flows_are_independent = group.stickiness == config::Stickiness::tuple5;
    return settings;
}

health::HealthGroup health_group(const config::TargetGroup &group, const plan::IndexAllocator &indexes) {
    const auto &check = group.health_check;
    health::HealthGroup row;
    row.name = group.name;
    row.index = *indexes.find(plan::IndexKind::group, group.name);
    row.on_unhealthy = group.on_unhealthy;
    row.on_deregistered = group.on_deregistered;
    row.on_all_unhealthy = group.on_all_unhealthy;
    row.deregistration_delay = group.deregistration_delay;
    row.policy = {check.protocol != config::ProbeProtocol::none, check.healthy_threshold,
                  check.unhealthy_threshold, check.passive.enabled};
    row.probe = probe_settings(check);
    row.in_band = in_band_settings(check);
    row.detector = detector_settings(group);
    for (const auto &target : group.targets)
        row.targets.push_back(
            {target.id, target.address, target.port, target.weight,
             *indexes.find(plan::IndexKind::target, plan::target_name(group.name, target.id))});
    return row;
}

} // namespace

health::HealthConfig health_config(const config::Manifest &manifest, const plan::IndexAllocator &indexes,
                                   std::uint64_t generation) {
    health::HealthConfig config;
    config.generation = generation;
    config.probe_source = manifest.node.tunnel.address;
    for (const auto &group : manifest.target_groups) {
        auto row = health_group(group, indexes);
        for (const auto &endpoint : manifest.endpoints)
            if (endpoint.target_group == group.name)
                row.endpoints.push_back(endpoint.name);
        config.groups.push_back(std::move(row));
    }
    return config;
}

} // namespace glb::control
