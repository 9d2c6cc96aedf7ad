// Requirements at start, and dropping of privileges.
#pragma once

#include "controller/util/result.h"

namespace glb {

/// Fails if the kernel is older than 6.1 or a required capability is missing.
[[nodiscard]] Status check_machine();

/// Keeps CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON of the calling thread and drops all others permanently.
[[nodiscard]] Status drop_privileges();

} // namespace glb
