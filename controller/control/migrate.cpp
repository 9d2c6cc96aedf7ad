#include "controller/control/migrate.h"

namespace glb {

Task<Status> migrate(FlowMigration &migration, const MigrationEnvironment &environment) {
    if (!migration.is_swapped()) {
        const auto timeouts = environment.timeouts();
        GLB_CO_TRY(
            co_await environment.worker.run([&] { return migration.copy(timeouts, environment.ticks()); }));
        const auto turn = co_await environment.enter();
        if (!turn)
            co_return tl::unexpected(turn.error());
        GLB_CO_TRY(migration.swap(environment.tunnel()));
    }
    const auto timeouts = environment.timeouts();
    GLB_CO_TRY(
        co_await environment.worker.run([&] { return migration.catch_up(timeouts, environment.ticks()); }));
    const auto turn = co_await environment.enter();
    if (!turn)
        co_return tl::unexpected(turn.error());
    co_return migration.finish(environment.tunnel());
}

} // namespace glb
