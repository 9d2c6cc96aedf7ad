#include "controller/control/take_down.h"

#include "controller/util/first_failure.h"

namespace glb::control {

namespace {

/// What was wrong with a configuration that is no more. A guard that stays is still examined.
void forget_conditions(NodeConditions &conditions, bool keep_guard) {
    for (const char *source : {host_source, pins_source, neighbours_source, drops_source, operator_source})
        (void)conditions.board.update(source, {}, {});
    conditions.drops = {};
    if (keep_guard)
        return;
    (void)conditions.board.update(guard_source, {}, {});
    conditions.restored_walls = {};
}

} // namespace

Status take_down(const Ports &ports, NodeState &state, bool keep_guard) {
    Status first;
    ports.health.reset();
    ports.health.attach(nullptr);
    record_failure(first, ports.datapath.remove());
    ports.network.release_paths();
    if (!keep_guard)
        record_failure(first, ports.guard.remove());
    ports.datapath.release(keep_guard);
    const bool guarded = keep_guard && state.installed.guard;
    auto network = std::move(state.installed.network);
    state.installed = {};
    state.installed.network = std::move(network);
    state.installed.guard = guarded;
    state.desired.manifest.reset();
    state.desired.text.clear();
    state.conditions.guard = {};
    forget_conditions(state.conditions, guarded);
    state.conditions.failure.clear();
    state.conditions.orphaned_epoch.reset();
    ++state.configuration;
    return first;
}

} // namespace glb::control
