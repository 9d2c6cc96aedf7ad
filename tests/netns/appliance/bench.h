// Test bench for glb-appliance: the program in a namespace with a firewall, and a node's namespace that sends
// GENEVE packets and captures the returned ones.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/harness/golden.h"
#include "tests/harness/packet.h"
#include "tests/harness/traffic.h"

namespace glb::test {

/// A packet returned to the node, parsed.
struct ReturnedPacket {
    Bytes outer;  ///< the complete outer IPv4 packet
    Bytes header; ///< GENEVE: fixed part and options
    Bytes inner;
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint16_t udp_checksum = 0;
};

class ApplianceBench {
  public:
    ApplianceBench();

    /// Starts the program and waits until it reports that it is ready. Throws with its output otherwise.
    void start(const std::vector<std::string> &options = {});
    /// Runs the program to its end, for starts that are expected to fail.
    [[nodiscard]] CommandResult run(const std::vector<std::string> &options) const;
    [[nodiscard]] Process &program() { return *program_; }
    void kill(int signal);

    /// A GENEVE packet with the three options, from the node; `port` is its entropy port.
    void send(std::uint64_t endpoint, std::uint32_t cookie, const Bytes &inner, std::uint16_t port = 40001);
    /// The same with any UDP payload.
    void send_payload(const Bytes &payload, std::uint16_t port = 40001);
    /// A complete outer IPv4 packet, unchanged.
    void send_outer(const Bytes &packet);

    /// The next UDP packet from the appliance. Empty on a timeout.
    [[nodiscard]] std::optional<ReturnedPacket> next(milliseconds timeout = std::chrono::seconds(3));
    /// Sends a marker packet. True if it is the next one returned, so that all packets before it were
    /// dropped.
    [[nodiscard]] bool returns_only_marker();

    [[nodiscard]] nlohmann::json counters() const;
    /// True once the counter (in "counters" or "drops") is `value`.
    [[nodiscard]] bool counts(const std::string &name, std::uint64_t value) const;

    Namespace node{"apl-node"}, firewall{"apl-fw"};

  private:
    Fd sender_; ///< raw: whole IPv4 packets
    std::optional<Sniffer> sniffer_;
    std::size_t next_frame_ = 0;
    std::uint16_t marker_ = 0;
    std::optional<Process> program_;
};

/// The GENEVE header of the wire format with these values.
[[nodiscard]] Bytes geneve_header(std::uint64_t endpoint, std::uint32_t cookie, bool ipv6 = false);

/// The packet as a router forwards it: TTL or hop limit decremented, checksum updated. Not for IPv4 options.
[[nodiscard]] Bytes forwarded(Bytes inner);

} // namespace glb::test
