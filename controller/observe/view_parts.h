// Parts that several views have in common. Private to the library.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/datapath/counter_reader.h"
#include "controller/health/health_snapshot.h"
#include "controller/observe/flow_scan.h"
#include "controller/observe/node_snapshot.h"
#include "controller/observe/reason_texts.h"

namespace glb::observe {

/// One reading of both snapshots.
struct View {
    std::shared_ptr<const NodeSnapshot> node;
    std::shared_ptr<const health::HealthSnapshot> health;
    std::optional<datapath::CounterReader> counters =
        node->datapath ? std::optional<datapath::CounterReader>(node->datapath) : std::nullopt;
};

/// A scan of the whole table; zeros if nothing is loaded.
[[nodiscard]] FlowStats flow_stats(const View &view);

/// See bypass_reason.h.
[[nodiscard]] std::optional<std::string> bypass_reason(const View &view, const config::Endpoint &endpoint);

[[nodiscard]] glb_endpoint_count endpoint_count(const View &view, const std::string &endpoint);

/// The manifest's name of the node, else the host's.
[[nodiscard]] std::string node_name(const View &view);

/// Counters of the data path and those that only scans can count. Something must be loaded.
[[nodiscard]] Result<std::vector<glb_count>> all_counters(const View &view);

} // namespace glb::observe
