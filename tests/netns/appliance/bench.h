// An appliance under test: the program in a namespace with a firewall, and a node's namespace beside it from
// which GENEVE packets are sent and in which the answers are seen, byte by byte.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/harness/golden.h"
#include "tests/harness/packet.h"
#include "tests/harness/traffic.h"

namespace glb::test {

/// A packet that came back to the node, taken apart.
struct Returned {
    Bytes outer;  ///< the outer IPv4 packet whole
    Bytes header; ///< GENEVE: fixed part and options
    Bytes inner;
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint16_t udp_checksum = 0;
};

class ApplianceBench {
  public:
    ApplianceBench();

    /// Starts the program and waits until it says that it is ready; throws with its output where it does not.
    void start(const std::vector<std::string> &options = {});
    /// Runs it where it is expected to fail.
    [[nodiscard]] CommandResult run(const std::vector<std::string> &options) const;
    [[nodiscard]] Process &program() { return *program_; }
    void kill(int signal);

    /// A GENEVE packet with the three options, from the node; `port` is its entropy port.
    void send(std::uint64_t endpoint, std::uint32_t cookie, const Bytes &inner, std::uint16_t port = 40001);
    /// The same with any UDP payload.
    void send_payload(const Bytes &payload, std::uint16_t port = 40001);
    /// An outer IPv4 packet as it is.
    void send_outer(const Bytes &packet);

    /// The next packet from the appliance's UDP port side that was not returned by this before; nothing where
    /// none comes in time.
    [[nodiscard]] std::optional<Returned> next(milliseconds timeout = std::chrono::seconds(3));
    /// True where nothing comes back for a packet that is known to be dropped, shown by one behind it that is
    /// not.
    [[nodiscard]] bool nothing_before_a_marker();

    [[nodiscard]] nlohmann::json counters() const;
    /// True once the counter (of "counters" or of "drops") is `value`.
    [[nodiscard]] bool counts(const std::string &name, std::uint64_t value) const;

    Namespace node{"apl-node"}, firewall{"apl-fw"};

  private:
    Fd sender_; ///< raw: whole IPv4 packets
    std::optional<Sniffer> sniffer_;
    std::size_t seen_ = 0;
    std::uint16_t marker_ = 0;
    std::optional<Process> program_;
};

/// The header that wire-format.md gives these values.
[[nodiscard]] Bytes geneve_header(std::uint64_t endpoint, std::uint32_t cookie, bool ipv6 = false);

/// What a router makes of an IPv4 packet without options or an IPv6 packet: one hop less, checksum in step.
[[nodiscard]] Bytes forwarded(Bytes inner);

} // namespace glb::test
