// HealthConfig: configuration of the health engine, built from the manifest by control/. A value.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "controller/config/policies.h"
#include "controller/health/outlier_detector.h"
#include "controller/health/probes/in_band_packet.h"
#include "controller/health/probes/probe_settings.h"
#include "controller/health/target_health.h"
#include "controller/util/address.h"

namespace glb::health {

struct HealthTarget {
    std::string id;
    IpAddress address;
    std::uint16_t port = 6081;
    std::uint32_t weight = 1;
    std::uint16_t index = 0; ///< in the data path's maps

    [[nodiscard]] bool is_same_appliance(const HealthTarget &other) const {
        return id == other.id && address == other.address && port == other.port;
    }
    bool operator==(const HealthTarget &) const = default;
};

/// In-band probes of a group; sent only with passive health or a GENEVE check.
struct InBandSettings {
    bool is_health_check = false; ///< healthCheck.protocol GENEVE: the results count as active checks
    InBandInner inner;
    std::chrono::milliseconds interval{1000};
    std::chrono::milliseconds timeout{500};

    bool operator==(const InBandSettings &) const = default;
};

struct HealthGroup {
    std::string name;
    std::uint16_t index = 0;
    std::vector<std::string> endpoints; ///< that use the group; empty: its targets are unused
    config::FailurePolicy on_unhealthy = config::FailurePolicy::rehash;
    config::FailurePolicy on_deregistered = config::FailurePolicy::rehash;
    config::AllUnhealthyPolicy on_all_unhealthy = config::AllUnhealthyPolicy::spread;
    std::chrono::seconds deregistration_delay{300};
    HealthPolicy policy;
    ProbeSettings probe; ///< protocol none: no active probes
    InBandSettings in_band;
    DetectorSettings detector; ///< used if policy.passive
    std::vector<HealthTarget> targets;

    bool operator==(const HealthGroup &) const = default;
};

struct HealthConfig {
    std::uint64_t generation = 0; ///< identifies the change in stage, commit and abort; not 0
    IpAddress probe_source;       ///< the tunnel's address
    std::vector<HealthGroup> groups;
};

/// A target that is not configured, but receives flows from the data path of an earlier daemon.
struct AdoptedTarget {
    std::string group;
    std::uint16_t group_index = 0;
    HealthTarget target;
    std::string name; ///< plan::target_name() or displaced_name()
};

} // namespace glb::health
