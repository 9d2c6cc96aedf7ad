// MetricsSnapshot: the values of /metrics, read at one moment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace glb::observe {

/// A drop reason or a counter, summed over all CPUs. `name` is its text of bpf/abi/reasons.h.
struct CountedReason {
    std::string name;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};

struct EndpointMetrics {
    std::string name;
    std::uint64_t packets_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t packets_forwarded = 0;
    std::uint64_t bytes_forwarded = 0;
    bool bypassed = false;
};

struct TargetMetrics {
    std::string group;
    std::string id;
    std::string state; ///< AWS's word: initial, healthy, unhealthy, draining, unused, unavailable
    std::uint32_t weight = 0;
    std::uint64_t slots = 0;        ///< of the group's Maglev table
    std::uint64_t active_flows = 0; ///< entries of the flow table now
    std::uint64_t new_flows = 0;    ///< since the target was added
    std::uint64_t packets_out = 0;
    std::uint64_t packets_back = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t bytes_back = 0;
};

struct InterfaceMetrics {
    std::string name;
    std::string mode; ///< native, generic
    bool attached = false;
};

struct MetricsSnapshot {
    std::string version;
    std::string node;
    bool ready = false;
    std::uint64_t epoch = 0;
    double uptime_seconds = 0;
    std::uint64_t netlink_overruns = 0;
    double loop_lag_seconds = 0;   ///< longest delay of the health loop since the last snapshot
    std::uint64_t log_dropped = 0; ///< lines since the daemon's start

    std::vector<CountedReason> drops; ///< every reason, at zero too
    std::vector<CountedReason> counters;
    std::vector<EndpointMetrics> endpoints;
    std::vector<TargetMetrics> targets;
    std::vector<InterfaceMetrics> interfaces;

    std::uint64_t flows_active = 0;
    std::uint64_t flows_unconfirmed = 0;
    std::uint64_t flows_capacity = 0;

    bool guard_installed = false;
    std::uint64_t guard_restored = 0;
    std::uint64_t guard_uninspected_packets = 0;
    std::uint64_t guard_uninspected_bytes = 0;
};

} // namespace glb::observe
