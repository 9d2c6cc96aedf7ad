// Servers for the probes, in a separate process, so that their CPU time is not measured.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace glb::bench {

enum class ServerProtocol { tcp, http, https };

class ServerProcess {
  public:
    /// Listens on loopback once constructed. Throws std::runtime_error.
    explicit ServerProcess(ServerProtocol protocol);
    ~ServerProcess();
    ServerProcess(const ServerProcess &) = delete;
    ServerProcess &operator=(const ServerProcess &) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

} // namespace glb::bench
