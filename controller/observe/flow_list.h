// What `flows` shows: the live flows that a filter lets through, as JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/observe/flow_scan.h"

namespace glb {

/// Names of the indexes that flows hold.
struct FlowNames {
    struct TargetName {
        std::string group;
        std::string id;
    };
    std::vector<std::string> endpoints;
    std::vector<TargetName> targets;

    /// An index without a name is "#INDEX", which no name can be.
    [[nodiscard]] std::string endpoint(std::uint32_t index) const;
    [[nodiscard]] TargetName target(std::uint16_t index) const;
};

/// A filter with a port lets only flows through that have ports.
[[nodiscard]] bool matches(const FlowQuery &filter, const datapath::FlowRow &row, const FlowNames &names);

/// One element of "flows". Source and destination are ADDR:PORT, [ADDR6]:PORT, and where the protocol has no
/// ports the address alone; ICMP has "identifier" then (that of the echo, else 0).
[[nodiscard]] nlohmann::json flow_to_json(const datapath::FlowRow &row, const FlowNames &names,
                                          std::uint32_t now);

class FlowQueryResult {
  public:
    /// `now` in ticks. `table` must outlive it.
    FlowQueryResult(const datapath::FlowTable &table, FlowQuery filter, FlowNames names,
                    datapath::TargetTimeouts timeouts, std::uint32_t now);

    /// As FlowScanner::step().
    [[nodiscard]] bool step(std::chrono::nanoseconds budget);

    /// The text of {"flows","total","truncated"} of what is through, in the order of the table; ends the
    /// listing. `total` counts beyond the filter's limit. Text, since documents of millions of flows would
    /// fill the memory.
    [[nodiscard]] std::string take();

  private:
    const datapath::FlowTable &table_;
    FlowScanner scanner_;
    FlowQuery filter_;
    FlowNames names_;
    datapath::TargetTimeouts timeouts_;
    std::uint32_t now_;
    std::size_t total_ = 0, listed_ = 0;
    std::string flows_;
};

/// The listing of the whole table at once.
[[nodiscard]] std::string list_flows(const datapath::FlowTable &table, FlowQuery filter, FlowNames names,
                                     datapath::TargetTimeouts timeouts, std::uint32_t now);

} // namespace glb
