// The health engine's configuration, from the manifest.
#pragma once

#include <cstdint>

#include "controller/config/manifest.h"
#include "controller/health/health_config.h"
#include "controller/plan/index_allocator.h"

namespace glb {

/// Every group and target must have its index in `indexes`.
[[nodiscard]] HealthConfig health_config(const Manifest &manifest, const IndexAllocator &indexes,
                                         std::uint64_t generation);

} // namespace glb
