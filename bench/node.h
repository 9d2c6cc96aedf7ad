// The data path under measurement: loaded, configured, its flow table mapped; and the packets that fit it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "abi/flow.h"
#include "bench/generator.h"
#include "controller/datapath/program.h"

namespace glb::bench {

/// Interfaces of the bench's own network namespace.
struct Wires {
    unsigned clients = 0; ///< the endpoint's
    unsigned tunnel = 0;
};

/// Moves the process into a new network namespace with two wires, a route to the flows' destination by the
/// clients' one, and a neighbour there. The namespace ends with the process.
[[nodiscard]] Result<Wires> enter_own_namespace();

/// How full the flow table is.
struct Occupancy {
    std::uint64_t entries = 0; ///< its size
    std::uint64_t live = 0;
    std::uint64_t at_home = 0; ///< of the live ones, how many a hit finds in the first line that it reads
};

/// How a node departs from the usual one.
struct Manner {
    bool one_arm = false; ///< the endpoint's packets come by the tunnel's wire too
    bool passive = false; ///< health from the traffic
};

class Node {
  public:
    /// A node with one endpoint, one group, sixteen targets and an empty table of `capacity` entries.
    [[nodiscard]] static Result<Node> load(Wires wires, std::uint32_t capacity, Manner manner = {});

    [[nodiscard]] int program() const { return program_.fd(); }
    [[nodiscard]] Occupancy occupancy() const;
    /// Every counter and drop reason of the program that is not 0, by name; what all targets were `silent`
    /// among them.
    [[nodiscard]] Result<std::map<std::string, std::uint64_t>> counters() const;

    /// Makes every flow in the table established and seen just now, as returned packets would.
    void establish();

    /// A client's TCP segment of 64 bytes with Ethernet header.
    [[nodiscard]] Stream outward(Order order, std::uint64_t flows, std::uint8_t tcp_flags) const;
    /// The same segment, as the appliance returns it that got `sent` (what the node made of it).
    [[nodiscard]] Result<Stream> inward(const test::Bytes &sent) const;

  private:
    struct Unmap {
        std::size_t size;
        void operator()(glb_flow_hot *table) const;
    };
    Node(Wires wires, Manner manner, datapath::Program program)
        : wires_(wires), manner_(manner), program_(std::move(program)) {}
    [[nodiscard]] Status configure();
    [[nodiscard]] Status map_table(std::uint32_t capacity);

    Wires wires_;
    Manner manner_;
    datapath::Program program_;
    std::unique_ptr<glb_flow_hot, Unmap> table_;
    std::span<glb_flow_hot> entries_;
};

} // namespace glb::bench
