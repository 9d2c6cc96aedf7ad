// EndpointTargetSeen: glb_endpoint_target_seen, mapped: which endpoint ever came back through which target.
#pragma once

#include <cstdint>

#include "abi/config.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// The data path only sets bits, at the same time on other CPUs: here they are cleared atomically, none is
/// lost.
class EndpointTargetSeen {
  public:
    /// Maps the rows of `fd`, which may be closed afterwards.
    [[nodiscard]] static Result<EndpointTargetSeen> map(int fd);

    EndpointTargetSeen() = default;
    EndpointTargetSeen(EndpointTargetSeen &&other) noexcept;
    EndpointTargetSeen &operator=(EndpointTargetSeen &&other) noexcept;
    ~EndpointTargetSeen();

    /// Indexes below the ABI's limits.
    [[nodiscard]] bool was_seen(std::uint32_t endpoint, std::uint32_t target) const;
    /// Whether the endpoint came back through any target.
    [[nodiscard]] bool was_seen(std::uint32_t endpoint) const;
    void forget_target(std::uint32_t target);
    void forget_endpoint(std::uint32_t endpoint);

  private:
    std::uint64_t *rows_ = nullptr;
};

} // namespace glb::datapath
