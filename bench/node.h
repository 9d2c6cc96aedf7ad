// The data path under measurement, loaded and configured, and packets for its configuration.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "abi/flow.h"
#include "bench/generator.h"
#include "controller/datapath/mapped.h"
#include "tests/harness/datapath_roles.h"

namespace glb::bench {

/// Interfaces of the bench's own network namespace.
struct Wires {
    unsigned clients = 0; ///< of the endpoint
    unsigned tunnel = 0;
};

/// Moves the process into a new network namespace with two veth pairs, a route to the flows' destination over
/// the clients' one, and a neighbour there. The namespace ends with the process.
[[nodiscard]] Result<Wires> enter_own_namespace();

/// Occupancy of the flow table.
struct Occupancy {
    std::uint64_t entries = 0; ///< its size
    std::uint64_t live = 0;
    std::uint64_t at_home = 0; ///< live entries that a lookup finds in its first line
};

/// Variations of the default node.
struct NodeOptions {
    bool one_arm = false; ///< endpoint packets arrive on the tunnel's interface
    bool passive = false; ///< passive health checks
};

class Node {
  public:
    /// A node with one endpoint, one group, sixteen targets and an empty table of `capacity` entries.
    [[nodiscard]] static Result<Node> load(Wires wires, std::uint32_t capacity, NodeOptions options = {});

    [[nodiscard]] int program() const { return roles_.handles->program(); }
    [[nodiscard]] Occupancy occupancy() const;
    /// Every counter and drop reason that is not 0, by name, with the sum of the targets' `unanswered`.
    [[nodiscard]] Result<std::map<std::string, std::uint64_t>> counters() const;

    /// Sets every flow in the table to established and seen now, as return packets would.
    void establish();

    /// A client's TCP segment of 64 bytes with Ethernet header.
    [[nodiscard]] Stream outward(Order order, std::uint64_t flows, std::uint8_t tcp_flags) const;
    /// The same segment as the appliance returns it that received `sent` (the encapsulated frame).
    [[nodiscard]] Result<Stream> inward(const test::Bytes &sent) const;

  private:
    Node(Wires wires, NodeOptions options, const datapath::DatapathHandlesPtr &handles)
        : wires_(wires), options_(options), roles_(handles) {}
    [[nodiscard]] Status configure();

    Wires wires_;
    NodeOptions options_;
    test::DatapathRoles roles_;
    datapath::Mapped<glb_flow_hot> table_;
};

} // namespace glb::bench
