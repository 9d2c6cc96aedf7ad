#include "controller/control/pin_watch.h"

#include "controller/util/log.h"

namespace glb::control {

void restore_pins(NodeState &state, const Ports &ports) {
    std::vector<Condition> conditions;
    if (ports.datapath.is_loaded()) {
        const auto restored = ports.datapath.restore_pins();
        if (!restored)
            conditions.push_back(
                {Severity::error, "pins-missing", "",
                 fmt::format("pins of the data path were removed, and the next daemon would start "
                             "without its flows: {}",
                             restored.error().message),
                 "make the bpffs writable; see its path in the message"});
        else if (!restored->empty())
            spdlog::warn("pins of the data path were removed and are restored: {}",
                         fmt::join(*restored, ", "));
    }
    update_and_log(state.conditions.board, pins_source, conditions, ports.clock.now());
}

} // namespace glb::control
