// migrate(): the flows of one table move to another under traffic, for an upgrade and for a resize.
#pragma once

#include <functional>

#include "controller/control/ports/datapath_port.h"
#include "controller/control/task.h"
#include "controller/control/turn.h"
#include "controller/util/worker.h"

namespace glb::control {

struct MigrationEnvironment {
    Worker &worker; ///< copies
    std::function<datapath::TargetTimeouts()> timeouts;
    std::function<std::uint32_t()> ticks;
    std::function<unsigned()> tunnel; ///< interface whose link changes first; 0: none
    /// Called before each step on the control thread. An error ends the migration.
    std::function<Task<Result<Turn::Hold>>()> enter;
};

/// copy, swap, catch up, finish: each unless it is done already. After prepare(). Before the swap a failure
/// changes nothing and can be undone; after it the rest can only be repeated.
[[nodiscard]] Task<Status> migrate(FlowMigration &migration, const MigrationEnvironment &environment);

} // namespace glb::control
