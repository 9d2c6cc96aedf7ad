// FlowListing: GET /v1/flows.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "controller/documents/flows.h"
#include "controller/observe/flow_scan.h"
#include "controller/util/chunk_source.h"

namespace glb::observe {

/// Names of the indexes in flow entries.
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

    /// ENOENT if the query names an endpoint, group or target that no index has: it would match nothing.
    [[nodiscard]] Status check(const FlowQuery &query) const;
};

/// A query with a port matches only flows of protocols that have ports.
[[nodiscard]] bool matches(const FlowQuery &filter, const datapath::FlowRow &row, const FlowNames &names);

/// Source and destination are ADDR:PORT, [ADDR6]:PORT, and if the protocol has no ports the address alone; ICMP
/// has `identifier` then (that of the echo, else 0). `now` in ticks.
[[nodiscard]] documents::Flow flow_document(const datapath::FlowRow &row, const FlowNames &names,
                                            std::uint32_t now);

/// The text of a documents::FlowList, in pieces and in the order of the table. `total` counts beyond the
/// query's limit. Memory does not depend on the number of flows.
class FlowListing {
  public:
    /// `now` in ticks. `table` must outlive it.
    FlowListing(const datapath::FlowTable &table, FlowQuery query, FlowNames names,
                datapath::TargetTimeouts timeouts, std::uint32_t now);

    /// A ChunkSource: appends about chunk_bytes, within about 5 ms; false: that was the last piece.
    [[nodiscard]] bool next(std::string &chunk);

  private:
    void visit(std::uint32_t slot, std::string &chunk);

    const datapath::FlowTable &table_;
    FlowScanner scanner_;
    FlowQuery query_;
    FlowNames names_;
    datapath::TargetTimeouts timeouts_;
    std::uint32_t now_;
    documents::FlowListText text_;
    std::uint64_t total_ = 0;
    bool begun_ = false;
};

} // namespace glb::observe
