// TargetCounts: glb_target_counts, mapped: what the data path counts of each target, read without a system
// call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/config.h"
#include "controller/util/result.h"

namespace glb::datapath {

class TargetCounts {
  public:
    /// Rows that the map must have: one for each possible CPU and target.
    [[nodiscard]] static std::uint32_t rows();
    /// Maps the rows of `fd`, which may be closed afterwards.
    [[nodiscard]] static Result<TargetCounts> map(int fd);

    TargetCounts() = default;
    TargetCounts(TargetCounts &&other) noexcept;
    TargetCounts &operator=(TargetCounts &&other) noexcept;
    ~TargetCounts();

    [[nodiscard]] unsigned cpus() const { return cpus_; }
    /// Over all CPUs; `target` below GLB_MAX_TARGETS. Each number is read whole, all of them not at one
    /// moment.
    [[nodiscard]] glb_target_count sum(std::uint32_t target) const;

  private:
    const glb_target_count *rows_ = nullptr;
    std::size_t bytes_ = 0;
    unsigned cpus_ = 0;
};

} // namespace glb::datapath
