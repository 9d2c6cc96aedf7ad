// Inspection appliances: hosts on the underlay that receive packets over GENEVE and return the permitted
// ones.
#pragma once

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "tests/harness/netns.h"
#include "tests/netns/testbed/echo.h"

namespace glb::test {

enum class ApplianceKind {
    hairpin,   ///< nftables only: dnat and masquerade return every GENEVE packet with its options unchanged
    reference, ///< glb-appliance, which exposes the inner packets to nftables
};

class Appliance {
  public:
    /// `number` starts at 1: fw-1 has 10.1.0.11. The testbed connects its interface `eth0` before start().
    explicit Appliance(unsigned number);

    /// Starts inspection, and answers health checks on TCP port 80 with HTTP 200.
    void start(ApplianceKind kind, const std::string &node_address);

    /// Sets `eth0` down, and up again.
    void disconnect() const;
    void reconnect() const;

    /// Stops and continues the process. Only for ApplianceKind::reference.
    void pause() { program_->kill(SIGSTOP); }
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
