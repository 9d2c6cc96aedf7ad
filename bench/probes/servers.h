// The servers of the probes, in a process of their own, so that their CPU time is not measured.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace glb::bench {

enum class Speaks { nothing, http, https };

class ServerProcess {
  public:
    /// Listens on loopback when it is made. Throws std::runtime_error.
    explicit ServerProcess(Speaks speaks);
    ~ServerProcess();
    ServerProcess(const ServerProcess &) = delete;
    ServerProcess &operator=(const ServerProcess &) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

} // namespace glb::bench
