// CounterReader: counters of the data path. Any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "abi/reasons.h"
#include "controller/datapath/handles.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// All numbers are sums over the CPUs since the maps were created.
class CounterReader {
  public:
    explicit CounterReader(DatapathHandlesPtr handles) : handles_(std::move(handles)) {}

    [[nodiscard]] Result<std::vector<glb_count>> drops() const;    ///< by glb_drop
    [[nodiscard]] Result<std::vector<glb_count>> counters() const; ///< by glb_counter
    [[nodiscard]] Result<glb_endpoint_count> endpoint_count(std::uint32_t endpoint) const;
    /// No system call.
    [[nodiscard]] Result<glb_target_count> target_count(std::uint32_t target) const;
    /// Active bank, epoch and route generation.
    [[nodiscard]] Result<glb_control> control() const;

  private:
    DatapathHandlesPtr handles_;
};

} // namespace glb::datapath
