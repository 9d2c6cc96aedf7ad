// NodeViews: the documents of the node, from the published snapshots and the maps.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include "controller/health/health_snapshot.h"
#include "controller/observe/flow_list.h"
#include "controller/observe/node_reads.h"
#include "controller/observe/node_snapshot.h"
#include "controller/util/monotonic_time.h"
#include "controller/util/published.h"

namespace glb::observe {

/// All may be called on any thread.
struct ViewSources {
    const Published<NodeSnapshot> &node;
    std::function<std::shared_ptr<const health::HealthSnapshot>()> health;
    /// Blocked packets; nullopt: the guard's counter does not exist.
    std::function<Result<std::optional<plan::PacketCount>>()> guard_count;
    /// Longest delay of the health loop since the last call.
    std::function<std::chrono::nanoseconds()> exchange_max_lag;
    std::filesystem::path history;
    std::string version;
    MonotonicTime started = std::chrono::steady_clock::now();
};

class NodeViews final : public NodeReads {
  public:
    explicit NodeViews(ViewSources sources) : sources_(std::move(sources)) {}

    std::string not_ready_reason() const override { return sources_.node.load()->not_ready_reason; }
    std::vector<HeldCondition> conditions() const override;
    Result<documents::NodeStatus> status() const override;
    Result<documents::TargetList> targets(const std::optional<std::string> &group) const override;
    Result<documents::EndpointList> endpoints() const override;
    Result<ChunkSource> flows(const FlowQuery &query) const override;
    Result<documents::DropList> drops() const override;
    Result<documents::CounterList> counters() const override;
    Result<documents::Guard> guard() const override;
    Result<nlohmann::json> manifest() const override;
    Result<documents::History> history() const override;
    MetricsSnapshot metrics() const override;

  private:
    [[nodiscard]] plan::PacketCount guard_count(const NodeSnapshot &node) const;

    ViewSources sources_;
};

} // namespace glb::observe
