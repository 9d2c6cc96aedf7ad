// The limit of open descriptors (RLIMIT_NOFILE).
#pragma once

#include <cstdint>

#include "controller/util/result.h"

namespace glb {

/// Of the daemon without targets: maps, also those of a migration, sockets, and closing probe connections.
inline constexpr std::uint64_t base_descriptors = 512;

/// Raises the soft limit to the hard one, which no privilege is needed for. Fails if that is below
/// base_descriptors; the error names the fix.
[[nodiscard]] Status raise_descriptor_limit();

/// The soft limit.
[[nodiscard]] std::uint64_t descriptor_limit();

} // namespace glb
