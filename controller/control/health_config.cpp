#include "controller/control/health_config.h"

#include "controller/config/formats.h"

namespace glb {

namespace {

ProbeKind probe_kind(ProbeProtocol protocol) {
    switch (protocol) {
    case ProbeProtocol::tcp:
        return ProbeKind::tcp;
    case ProbeProtocol::http:
        return ProbeKind::http;
    case ProbeProtocol::https:
        return ProbeKind::https;
    case ProbeProtocol::geneve: // probed in-band
    case ProbeProtocol::none:
        break;
    }
    return ProbeKind::none;
}

ProbeSettings probe_settings(const HealthCheck &check) {
    ProbeSettings settings;
    settings.protocol = probe_kind(check.protocol);
    settings.port = check.port;
    settings.path = check.path;
    settings.host = check.host;
    settings.ca_file = check.ca_file;
    if (auto matcher = StatusMatcher::parse(format_matcher(check.matcher)))
        settings.matcher = *matcher;
    settings.timeout = check.timeout;
    settings.interval = check.interval;
    settings.healthy_threshold = check.healthy_threshold;
    settings.unhealthy_threshold = check.unhealthy_threshold;
    return settings;
}

InBandSettings in_band_settings(const HealthCheck &check) {
    return {check.protocol == ProbeProtocol::geneve,
            {check.in_band.source, check.in_band.destination, check.in_band.port},
            check.interval,
            check.timeout};
}

DetectorSettings detector_settings(const TargetGroup &group) {
    DetectorSettings settings;
    settings.window = group.health_check.passive.window.value_or(settings.window);
    settings.max_ejected_percent = group.health_check.max_ejected_percent;
    settings.flows_are_independent = group.stickiness == Stickiness::tuple5;
    return settings;
}

HealthGroup health_group(const TargetGroup &group, const IndexAllocator &indexes) {
    const auto &check = group.health_check;
    HealthGroup row;
    row.name = group.name;
    row.index = *indexes.find(IndexKind::group, group.name);
    row.on_unhealthy = group.on_unhealthy;
    row.on_deregistered = group.on_deregistered;
    row.on_all_unhealthy = group.on_all_unhealthy;
    row.deregistration_delay = group.deregistration_delay;
    row.policy = {check.protocol != ProbeProtocol::none, check.healthy_threshold, check.unhealthy_threshold,
                  check.passive.enabled};
    row.probe = probe_settings(check);
    row.in_band = in_band_settings(check);
    row.detector = detector_settings(group);
    for (const auto &target : group.targets)
        row.targets.push_back({target.id, target.address, target.port, target.weight,
                               *indexes.find(IndexKind::target, target_name(group.name, target.id))});
    return row;
}

} // namespace

HealthConfig health_config(const Manifest &manifest, const IndexAllocator &indexes,
                           std::uint64_t generation) {
    HealthConfig config;
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

} // namespace glb
