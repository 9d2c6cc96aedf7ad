// GET /v1/targets: each target with its health and its traffic.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/documents/document.h"

namespace glb::documents {

struct Target {
    std::string target_group;
    std::string id;
    std::string address;
    std::uint16_t port = 0;
    std::uint32_t weight = 0;
    std::string state;                 ///< as AWS describe-target-health: healthy, unhealthy, draining, ...
    std::optional<std::string> reason; ///< Target.FailedHealthChecks, ...
    std::optional<std::string> description; ///< the reason in prose
    std::uint64_t since_seconds = 0;        ///< since the last change of state
    std::optional<std::string>
        last_error; ///< of the last health check, if it failed or was not sent; or of packets
    std::optional<std::uint64_t> last_error_seconds_ago;
    std::uint64_t local_errors =
        0; ///< health checks that could not leave the node: no evidence about the target
    std::optional<std::uint64_t>
        silent_seconds; ///< packets have gone to it so long, and nothing has returned
    std::optional<std::uint64_t> silent_packets; ///< these packets
    bool drained_by_operator = false;
    std::uint64_t active_flows = 0;
    std::uint64_t new_flows = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t packets_back = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t bytes_back = 0;
    std::uint64_t slots = 0; ///< of its group's Maglev table

    static constexpr auto members() {
        return std::tuple{member("targetGroup", &Target::target_group),
                          member("id", &Target::id),
                          member("address", &Target::address),
                          member("port", &Target::port),
                          member("weight", &Target::weight),
                          member("state", &Target::state),
                          member("reason", &Target::reason),
                          member("description", &Target::description),
                          member("sinceSeconds", &Target::since_seconds),
                          member("lastError", &Target::last_error),
                          member("lastErrorSecondsAgo", &Target::last_error_seconds_ago),
                          member("localErrors", &Target::local_errors),
                          member("silentSeconds", &Target::silent_seconds),
                          member("silentPackets", &Target::silent_packets),
                          member("drainedByOperator", &Target::drained_by_operator),
                          member("activeFlows", &Target::active_flows),
                          member("newFlows", &Target::new_flows),
                          member("packetsOut", &Target::packets_out),
                          member("packetsBack", &Target::packets_back),
                          member("bytesOut", &Target::bytes_out),
                          member("bytesBack", &Target::bytes_back),
                          member("slots", &Target::slots)};
    }
    bool operator==(const Target &) const = default;
};

/// Of several targets with one id, the configured one is first; the others had the id before, and drain.
struct TargetList {
    std::vector<Target> targets;

    static constexpr auto members() { return std::tuple{required("targets", &TargetList::targets)}; }
    bool operator==(const TargetList &) const = default;
};

} // namespace glb::documents
