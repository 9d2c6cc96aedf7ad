// Pairs: glb_pairs, mapped: which endpoint ever came back through which target.
#pragma once

#include <cstdint>

#include "abi/config.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// The data path only sets bits, at the same time on other CPUs: here they are cleared atomically, none is
/// lost.
class Pairs {
  public:
    /// Maps the rows of `fd`, which may be closed afterwards.
    [[nodiscard]] static Result<Pairs> map(int fd);

    Pairs() = default;
    Pairs(Pairs &&other) noexcept;
    Pairs &operator=(Pairs &&other) noexcept;
    ~Pairs();

    /// Indexes below the ABI's limits.
    [[nodiscard]] bool came_back(std::uint32_t endpoint, std::uint32_t target) const;
    /// Whether the endpoint came back through any target.
    [[nodiscard]] bool came_back(std::uint32_t endpoint) const;
    void forget_target(std::uint32_t target);
    void forget_endpoint(std::uint32_t endpoint);

  private:
    std::uint64_t *rows_ = nullptr;
};

} // namespace glb::datapath
