#include "controller/flows/flow_scan.h"

#include <algorithm>

namespace glb {

bool FlowScanner::step(std::chrono::nanoseconds budget, const std::function<void(std::uint32_t)> &visit) {
    const auto begin = clock_();
    while (next_ < table_.capacity()) {
        const auto end = std::min(table_.capacity(), next_ + stride);
        while (next_ < end)
            visit(next_++);
        if (clock_() - begin >= budget)
            break;
    }
    return next_ == table_.capacity();
}

FlowCensus::FlowCensus(const FlowTable &table, TargetTimeouts timeouts, std::uint32_t now)
    : table_(table), scanner_(table), timeouts_(std::move(timeouts)), now_(now) {
    count_.by_target.resize(GLB_MAX_TARGETS);
}

bool FlowCensus::step(std::chrono::nanoseconds budget) {
    return scanner_.step(budget, [this](std::uint32_t slot) {
        const auto meta = table_.meta(slot);
        if (!meta || !meta->live(now_, timeouts_))
            return;
        ++count_.active;
        ++count_.by_state[static_cast<std::size_t>(meta->state())];
        if (meta->target() < count_.by_target.size())
            ++count_.by_target[meta->target()];
    });
}

FlowCount count_flows(const FlowTable &table, TargetTimeouts timeouts, std::uint32_t now) {
    FlowCensus census(table, std::move(timeouts), now);
    while (!census.step(std::chrono::nanoseconds::max()))
        continue;
    return census.count();
}

} // namespace glb
