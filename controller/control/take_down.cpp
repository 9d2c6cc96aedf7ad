#include "controller/control/take_down.h"

#include "controller/util/first_failure.h"

namespace glb::control {

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
    state.conditions.failure.clear();
    state.conditions.orphaned_epoch.reset();
    ++state.configuration;
    return first;
}

} // namespace glb::control
