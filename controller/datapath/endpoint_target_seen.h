// EndpointTargetSeen: which endpoints received return traffic from which targets (glb_endpoint_target_seen).
#pragma once

#include <cstdint>

#include "abi/config.h"
#include "controller/datapath/mapped.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// The data path sets bits on other CPUs meanwhile: they are cleared atomically, and no bit is lost.
class EndpointTargetSeen {
  public:
    [[nodiscard]] static Result<EndpointTargetSeen> map(int fd);

    /// Indexes below the ABI's limits.
    [[nodiscard]] bool was_seen(std::uint32_t endpoint, std::uint32_t target) const;
    /// Through any target.
    [[nodiscard]] bool was_seen(std::uint32_t endpoint) const;

  private:
    friend class ConfigWriter; // the one writer in user space
    void clear_target(std::uint32_t target) const;
    void clear_endpoint(std::uint32_t endpoint) const;

    Mapped<std::uint64_t> words_;
};

} // namespace glb::datapath
