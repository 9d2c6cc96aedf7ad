// Punt devices: by which interface the stack receives the punted packets of an endpoint.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "controller/plan/guard_plan.h"
#include "controller/util/address.h"
#include "controller/util/result.h"

namespace glb::guard {

struct PuntDevice {
    std::uint32_t mark = 0;
    unsigned ifindex = 0; ///< 0: none of the endpoint's devices is up
    MacAddress mac;
    bool is_filtered = false; ///< the guard's filter is on it
    bool operator==(const PuntDevice &) const = default;
};

/// By endpoint index. Of each endpoint the first device that is up, in the order of the plan. Reads the calling
/// thread's network namespace. Errors: no descriptor for a socket.
[[nodiscard]] Result<std::map<std::uint16_t, PuntDevice>> find_punt_devices(const plan::GuardPlan &plan);

} // namespace glb::guard
