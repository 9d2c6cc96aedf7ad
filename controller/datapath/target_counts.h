// TargetCounts: counters of each target, read from the mapped glb_target_counts without system calls.
#pragma once

#include <cstdint>

#include "abi/config.h"
#include "controller/datapath/mapped.h"
#include "controller/util/result.h"

namespace glb::datapath {

class TargetCounts {
  public:
    /// Number of rows of the map: one per possible CPU and target.
    [[nodiscard]] static std::uint32_t rows();
    [[nodiscard]] static Result<TargetCounts> map(int fd);

    [[nodiscard]] unsigned cpus() const;
    /// Sum over all CPUs; `target` below GLB_MAX_TARGETS. Each number is read atomically, the set of them is
    /// not.
    [[nodiscard]] glb_target_count sum(std::uint32_t target) const;

  private:
    Mapped<const glb_target_count> rows_;
};

} // namespace glb::datapath
