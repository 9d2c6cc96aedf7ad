// GET /v1/status: the node at a glance.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/documents/document.h"

namespace glb::documents {

struct GuardSummary {
    bool installed = false;
    std::uint64_t uninspected = 0; ///< packets that the guard has blocked
    std::uint64_t restored = 0;    ///< how often the guard was repaired
    std::vector<std::string> warnings;

    static constexpr auto members() {
        return std::tuple{
            member("installed", &GuardSummary::installed), member("uninspected", &GuardSummary::uninspected),
            member("restored", &GuardSummary::restored), member("warnings", &GuardSummary::warnings)};
    }
    bool operator==(const GuardSummary &) const = default;
};

/// What is wrong although the node may be ready.
struct Degradation {
    std::string severity; ///< error, warning
    std::string what;     ///< its kind, a word
    std::string where;    ///< interface, group, GROUP/TARGET, JSON pointer...; empty: the node
    std::string message;
    std::string fix; ///< empty: none is known
    std::uint64_t since_seconds = 0;

    static constexpr auto members() {
        return std::tuple{
            member("severity", &Degradation::severity), member("what", &Degradation::what),
            member("where", &Degradation::where),       member("message", &Degradation::message),
            member("fix", &Degradation::fix),           member("sinceSeconds", &Degradation::since_seconds)};
    }
    bool operator==(const Degradation &) const = default;
};

struct InterfaceStatus {
    std::string name;
    std::string mode; ///< of XDP: native, generic
    bool attached = false;
    bool punt = false;   ///< packets can be punted to the host stack: the driver supports XDP metadata
    bool shared = false; ///< with other XDP programs

    static constexpr auto members() {
        return std::tuple{member("name", &InterfaceStatus::name), member("mode", &InterfaceStatus::mode),
                          member("attached", &InterfaceStatus::attached),
                          member("punt", &InterfaceStatus::punt), member("shared", &InterfaceStatus::shared)};
    }
    bool operator==(const InterfaceStatus &) const = default;
};

struct FlowTableUsage {
    std::uint64_t active = 0; ///< entries, the unconfirmed included
    std::uint64_t unconfirmed = 0;
    std::uint64_t capacity = 0;
    std::uint64_t untracked = 0; ///< packets without an entry

    static constexpr auto members() {
        return std::tuple{
            member("active", &FlowTableUsage::active), member("unconfirmed", &FlowTableUsage::unconfirmed),
            member("capacity", &FlowTableUsage::capacity), member("untracked", &FlowTableUsage::untracked)};
    }
    bool operator==(const FlowTableUsage &) const = default;
};

/// How many targets are in each state.
struct TargetStateCounts {
    std::uint64_t healthy = 0;
    std::uint64_t unhealthy = 0;
    std::uint64_t draining = 0;
    std::uint64_t initial = 0;
    std::uint64_t unused = 0;
    std::uint64_t unavailable = 0;

    static constexpr auto members() {
        return std::tuple{member("healthy", &TargetStateCounts::healthy),
                          member("unhealthy", &TargetStateCounts::unhealthy),
                          member("draining", &TargetStateCounts::draining),
                          member("initial", &TargetStateCounts::initial),
                          member("unused", &TargetStateCounts::unused),
                          member("unavailable", &TargetStateCounts::unavailable)};
    }
    /// Counts a target in the state of that name; an unknown name is ignored.
    void add(std::string_view state) {
        const auto add_if = [&](const auto &row) {
            if (state == row.name)
                ++(this->*row.value);
        };
        std::apply([&](const auto &...rows) { (add_if(rows), ...); }, members());
    }
    bool operator==(const TargetStateCounts &) const = default;
};

struct PendingConfirmation {
    std::uint64_t seconds_left = 0; ///< then the previous manifest is restored

    static constexpr auto members() {
        return std::tuple{member("secondsLeft", &PendingConfirmation::seconds_left)};
    }
    bool operator==(const PendingConfirmation &) const = default;
};

struct NodeStatus {
    bool ready = false; ///< attached and filled
    std::optional<std::string> not_ready_reason;
    std::vector<Degradation> degraded; ///< errors first
    std::string node;
    std::string version;
    std::uint64_t epoch = 0;
    std::uint64_t uptime_seconds = 0;
    std::optional<std::string>
        counters_since; ///< UTC: ids and counters began then, at the first apply after a `down`
    GuardSummary guard;
    std::vector<std::string> bypassed; ///< names of endpoints
    std::vector<InterfaceStatus> interfaces;
    FlowTableUsage flows;
    TargetStateCounts targets;
    std::optional<PendingConfirmation> confirmation;

    static constexpr auto members() {
        return std::tuple{required("ready", &NodeStatus::ready),
                          member("notReadyReason", &NodeStatus::not_ready_reason),
                          member("degraded", &NodeStatus::degraded),
                          member("node", &NodeStatus::node),
                          member("version", &NodeStatus::version),
                          member("epoch", &NodeStatus::epoch),
                          member("uptimeSeconds", &NodeStatus::uptime_seconds),
                          member("countersSince", &NodeStatus::counters_since),
                          member("guard", &NodeStatus::guard),
                          member("bypassed", &NodeStatus::bypassed),
                          member("interfaces", &NodeStatus::interfaces),
                          member("flows", &NodeStatus::flows),
                          member("targets", &NodeStatus::targets),
                          omitted_if_empty("confirmation", &NodeStatus::confirmation)};
    }
    bool operator==(const NodeStatus &) const = default;
};

} // namespace glb::documents
