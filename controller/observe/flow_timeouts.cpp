#include "controller/observe/flow_timeouts.h"

namespace glb::observe {

datapath::TargetTimeouts target_timeouts(const config::Manifest &manifest,
                                         const health::HealthSnapshot &health) {
    datapath::TargetTimeouts timeouts(GLB_MAX_TARGETS);
    for (const auto &target : health.targets)
        for (const auto &group : manifest.target_groups)
            if (group.name == target.group)
                timeouts[target.target.index] = {
                    static_cast<std::uint32_t>(group.idle_tcp.count()) * GLB_TICKS_PER_SECOND,
                    static_cast<std::uint32_t>(group.idle_other.count()) * GLB_TICKS_PER_SECOND};
    return timeouts;
}

} // namespace glb::observe
