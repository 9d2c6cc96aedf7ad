// The health engine's configuration, from the manifest.
#pragma once

#include <cstdint>

#include "controller/config/manifest.h"
#include "controller/health/health_config.h"
#include "controller/plan/index_allocator.h"

namespace glb::control {

/// Every group and target must have its index in `indexes`.
[[nodiscard]] health::HealthConfig health_config(const config::Manifest &manifest,
                                                 const plan::IndexAllocator &indexes,
                                                 std::uint64_t generation);

} // namespace glb::control
