#include "controller/control/migrate.h"

namespace glb::control {

namespace {

/// `transfer` on the worker, then `attach` on the control thread.
template <typename Transfer, typename Attach>
Task<Status> run_phase(const MigrationEnvironment &environment, const Transfer &transfer,
                       const Attach &attach) {
    const auto timeouts = environment.timeouts();
    GLB_CO_TRY(co_await environment.worker.run([&] { return transfer(timeouts, environment.ticks()); }));
    const auto turn = co_await environment.enter();
    if (!turn)
        co_return tl::unexpected(turn.error());
    co_return attach(environment.tunnel());
}

} // namespace

Task<Status> migrate(FlowMigration &migration, const MigrationEnvironment &environment) {
    const auto copy = [&](const auto &timeouts, auto now) { return migration.copy(timeouts, now); };
    const auto swap = [&](unsigned tunnel) { return migration.swap(tunnel); };
    const auto catch_up = [&](const auto &timeouts, auto now) { return migration.catch_up(timeouts, now); };
    const auto finish = [&](unsigned tunnel) { return migration.finish(tunnel); };
    if (!migration.is_swapped())
        GLB_CO_TRY(co_await run_phase(environment, copy, swap));
    auto done = co_await run_phase(environment, catch_up, finish);
    co_return done;
}

} // namespace glb::control
