// NodeReads: what can be read of the node. Never changes anything, and never waits for a change.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "controller/documents/counters.h"
#include "controller/documents/endpoints.h"
#include "controller/documents/guard.h"
#include "controller/documents/history.h"
#include "controller/documents/status.h"
#include "controller/documents/targets.h"
#include "controller/observe/flow_query.h"
#include "controller/observe/metrics_snapshot.h"
#include "controller/util/chunk_source.h"
#include "controller/util/condition.h"
#include "controller/util/result.h"

namespace glb::observe {

/// Any thread. Calls may scan the flow table, which takes 13 ms for a million entries: not for an event loop,
/// except not_ready_reason() and conditions(). The `code` of an Error is as in NodeCommands.
class NodeReads {
  public:
    virtual ~NodeReads() = default;

    /// One line; empty: the node is ready. Reads nothing but the last snapshot.
    [[nodiscard]] virtual std::string not_ready_reason() const = 0;
    /// What is wrong although the node may be ready, errors first. Reads nothing but the last snapshots.
    [[nodiscard]] virtual std::vector<HeldCondition> conditions() const = 0;

    [[nodiscard]] virtual Result<documents::NodeStatus> status() const = 0;
    /// All targets, or those of `group` (ENOENT if there is no such group).
    [[nodiscard]] virtual Result<documents::TargetList>
    targets(const std::optional<std::string> &group) const = 0;
    [[nodiscard]] virtual Result<documents::EndpointList> endpoints() const = 0;
    /// The text of a documents::FlowList. The source remains valid when the flow table is replaced.
    [[nodiscard]] virtual Result<ChunkSource> flows(const FlowQuery &query) const = 0;
    /// Every drop reason, at zero too.
    [[nodiscard]] virtual Result<documents::DropList> drops() const = 0;
    /// Every other counter, at zero too.
    [[nodiscard]] virtual Result<documents::CounterList> counters() const = 0;
    [[nodiscard]] virtual Result<documents::Guard> guard() const = 0;
    /// The active manifest, complete; ENOENT if there is none.
    [[nodiscard]] virtual Result<nlohmann::json> manifest() const = 0;
    [[nodiscard]] virtual Result<documents::History> history() const = 0;
    [[nodiscard]] virtual MetricsSnapshot metrics() const = 0;
};

} // namespace glb::observe
