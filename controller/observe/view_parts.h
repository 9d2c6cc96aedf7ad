// Parts that several views have in common. Private to the library.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/datapath/counter_reader.h"
#include "controller/health/health_snapshot.h"
#include "controller/observe/flow_scan.h"
#include "controller/observe/node_snapshot.h"

namespace glb {

/// One reading of both snapshots.
struct View {
    std::shared_ptr<const NodeSnapshot> node;
    std::shared_ptr<const HealthSnapshot> health;
    std::optional<datapath::CounterReader> counters =
        node->datapath ? std::optional<datapath::CounterReader>(node->datapath) : std::nullopt;
};

/// A scan of the whole table; zeros where nothing is loaded.
[[nodiscard]] FlowStats flow_stats(const View &view);

/// "order", or "onAllUnhealthy" where the group has no healthy target and its policy is bypass; nullopt: the
/// endpoint is inspected.
[[nodiscard]] std::optional<std::string> bypass_reason(const View &view, const Endpoint &endpoint);

[[nodiscard]] glb_endpoint_count endpoint_count(const View &view, const std::string &endpoint);

/// The manifest's name of the node, else the host's.
[[nodiscard]] std::string node_name(const View &view);

/// Counters of the data path and those that only scans can count. Something must be loaded.
[[nodiscard]] Result<std::vector<glb_count>> all_counters(const View &view);

template <typename Duration>
[[nodiscard]] std::uint64_t whole_seconds(Duration duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds);
}

} // namespace glb
