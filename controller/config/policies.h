// Policies of a target group, shared by the manifest, the planner and the health engine.
#pragma once

#include <cstdint>

namespace glb::config {

// Enumerators are in the order of their strings in enum_strings.h.
enum class FailurePolicy : std::uint8_t { hold, rehash, reset };
enum class AllUnhealthyPolicy : std::uint8_t { spread, bypass, drop };

} // namespace glb::config
