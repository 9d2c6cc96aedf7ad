// Appliances: hosts on the underlay that get packets over GENEVE and send back what they permit.
#pragma once

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "tests/harness/netns.h"
#include "tests/netns/testbed/echo.h"

namespace glb::test {

enum class ApplianceKind {
    hairpin,   ///< nftables alone: dnat and masquerade send every GENEVE packet back, options kept
    reference, ///< glb-appliance, so that nftables sees the inner packets
};

class Appliance {
  public:
    /// `number` from 1 on: fw-1 at 10.1.0.11. Its interface `eth0` is wired by the world before equip().
    explicit Appliance(unsigned number);

    /// Starts to inspect, and answers health checks at TCP port 80 with HTTP 200.
    void equip(ApplianceKind kind, const std::string &node_address);

    /// Off the wire, as by a cut cable; and back.
    void cut() const;
    void mend() const;

    /// The reference kind alone: its process gets no CPU any more; and does again.
    void hold() { program_->kill(SIGSTOP); }
    void resume() { program_->kill(SIGCONT); }

    [[nodiscard]] const std::string &id() const { return id_; }
    [[nodiscard]] const std::string &address() const { return address_; }
    [[nodiscard]] const Namespace &ns() const { return ns_; }

  private:
    std::string id_, address_;
    Namespace ns_;
    std::optional<TcpServer> health_;
    std::optional<Process> program_;
};

} // namespace glb::test
