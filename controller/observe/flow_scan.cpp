#include "controller/observe/flow_scan.h"

#include <algorithm>

namespace glb::observe {

bool FlowScanner::step(std::chrono::nanoseconds budget, const std::function<bool(std::uint32_t)> &visit) {
    const auto begin = clock_();
    while (next_ < table_.capacity()) {
        const auto end = std::min(table_.capacity(), next_ + stride);
        while (next_ < end)
            if (!visit(next_++))
                return next_ == table_.capacity();
        if (clock_() - begin >= budget)
            break;
    }
    return next_ == table_.capacity();
}

void AsymmetricTcpDetector::add(std::uint32_t slot, const datapath::FlowMeta *meta) {
    const std::uint32_t code = meta && (meta->word & GLB_META_TCP) ? glb_meta_code(meta->word) : 0;
    const bool half = code >= GLB_FLOW_EMBRYONIC_0 && code <= GLB_FLOW_EMBRYONIC_LONG;
    if (slot >= half_.size()) {
        if (!half)
            return;
        generations_.resize(slot + 1);
        half_.resize(slot + 1);
        counted_.resize(slot + 1);
    }
    const bool same = half && half_[slot] && generations_[slot] == meta->generation();
    if (same && !counted_[slot])
        ++total_;
    counted_[slot] = same;
    half_[slot] = half;
    if (half)
        generations_[slot] = meta->generation();
}

FlowStatsScan::FlowStatsScan(const datapath::FlowTable &table, datapath::TargetTimeouts timeouts,
                             std::uint32_t now, AsymmetricTcpDetector *one_way, bool of_endpoints)
    : table_(table), scanner_(table), timeouts_(std::move(timeouts)), now_(now), one_way_(one_way) {
    count_.by_target.resize(GLB_MAX_TARGETS);
    if (of_endpoints)
        count_.endpoints.emplace();
}

void FlowStatsScan::visit(std::uint32_t slot) {
    const auto meta = table_.meta(slot);
    const bool live = meta && meta->live(now_, timeouts_);
    if (one_way_)
        one_way_->add(slot, live ? &*meta : nullptr);
    if (!live)
        return;
    ++count_.active;
    ++count_.by_state[static_cast<std::size_t>(meta->state())];
    if (meta->target() < count_.by_target.size())
        ++count_.by_target[meta->target()];
    for (const auto hop : table_.next_hops(slot, now_, FlowStats::recently))
        if (hop)
            count_.next_hops.insert(*hop);
    if (!count_.endpoints)
        return;
    if (const auto endpoint = table_.endpoint(slot, *meta))
        count_.endpoints->insert(*endpoint);
}

bool FlowStatsScan::step(std::chrono::nanoseconds budget) {
    return scanner_.step(budget, [this](std::uint32_t slot) {
        visit(slot);
        return true;
    });
}

FlowStats count_flows(const datapath::FlowTable &table, datapath::TargetTimeouts timeouts, std::uint32_t now,
                      AsymmetricTcpDetector *one_way, bool of_endpoints) {
    FlowStatsScan scan(table, std::move(timeouts), now, one_way, of_endpoints);
    while (!scan.step(std::chrono::nanoseconds::max()))
        continue;
    return scan.count();
}

} // namespace glb::observe
