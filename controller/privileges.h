// Privileges: what the daemon needs at its start, and what it keeps.
#pragma once

#include "controller/util/result.h"

namespace glb {

/// Fails in one line where the kernel is older than 6.1, or the process may not load BPF programs.
[[nodiscard]] Status check_machine();

/// Keeps CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; drops all else, for good.
[[nodiscard]] Status drop_privileges();

} // namespace glb
