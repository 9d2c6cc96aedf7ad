#include "controller/control/take_down.h"

#include "controller/control/offloads.h"

namespace glb::control {

Status take_down(const Ports &ports, NodeState &state, bool keep_guard) {
    Status first;
    const auto note = [&](Status done) {
        if (!done && first)
            first = std::move(done);
    };
    ports.health.reset();
    ports.health.attach(nullptr);
    note(ports.datapath.remove());
    ports.network.release_paths();
    if (!keep_guard)
        note(ports.guard.remove());
    ports.datapath.release(keep_guard);
    restore_all_offloads(ports.state.value(offloads_key), ports.network);
    const bool guarded = keep_guard && state.installed.guard;
    auto network = std::move(state.installed.network);
    state.installed = {};
    state.installed.network = std::move(network);
    state.installed.guard = guarded;
    state.desired.manifest.reset();
    state.desired.text.clear();
    state.conditions.guard = {};
    state.conditions.failure.clear();
    ++state.configuration;
    return first;
}

} // namespace glb::control
