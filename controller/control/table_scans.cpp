#include "controller/control/table_scans.h"

#include <algorithm>
#include <array>
#include <linux/neighbour.h>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "controller/observe/flow_timeouts.h"

namespace glb::control {

namespace {

constexpr std::chrono::seconds pause{2};

} // namespace

TableScans::TableScans(boost::asio::any_io_executor executor, const Ports &ports, NodeState &state,
                       Turn &turn, Worker &background, std::function<bool()> is_migrating)
    : executor_(std::move(executor)), ports_(ports), state_(state), turn_(turn), background_(background),
      is_migrating_(std::move(is_migrating)) {}

void TableScans::check() {
    if (running_ || !state_.desired.manifest || !ports_.datapath.handles() || state_.datapath_is_replaced ||
        (ended_ && ports_.clock.now() - *ended_ < pause))
        return;
    running_ = true;
    boost::asio::co_spawn(executor_, run(), rethrow);
}

Task<void> TableScans::run() {
    const auto handles = ports_.datapath.handles();
    const auto configuration = state_.configuration;
    const auto timeouts = observe::target_timeouts(*state_.desired.manifest, *ports_.health.snapshot());
    const bool of_endpoints =
        !state_.installed.allocation->indexes.retired(plan::IndexKind::endpoint).empty();
    const auto count = co_await background_.run([&] {
        return observe::count_flows(handles->flow_table(), timeouts, ports_.clock.ticks(), &one_way_,
                                    of_endpoints);
    });
    const auto turn = co_await turn_.take();
    // A scan that began before a change may have missed flows of owners that were removed by it.
    if (configuration == state_.configuration)
        apply(count);
    state_.conditions.one_way_tcp = one_way_.total();
    ended_ = ports_.clock.now();
    running_ = false;
}

void TableScans::apply(const observe::FlowStats &count) {
    release_indexes(count);
    ports_.health.on_flow_counts({count.by_target.begin(), count.by_target.end()});
    refresh_next_hops(count);
}

/// Before drains end by the same count: a slot that was counted already may take such a flow until the
/// target's state is cleared.
void TableScans::release_indexes(const observe::FlowStats &count) {
    const auto &current = state_.installed.allocation->indexes;
    if (std::ranges::all_of(
            std::array{plan::IndexKind::endpoint, plan::IndexKind::group, plan::IndexKind::target},
            [&](plan::IndexKind kind) { return current.retired(kind).empty(); }))
        return;
    const auto live = ports_.health.snapshot();
    auto allocation = *state_.installed.allocation;
    auto &indexes = allocation.indexes;
    const auto flows = [&](std::uint16_t index) {
        return index < count.by_target.size() ? count.by_target[index] : 0;
    };
    const auto window_is_open = [&](const std::string &target) { // the group's previous table may have it
        const auto group = indexes.find(plan::IndexKind::group, target.substr(0, target.find('/')));
        return group && allocation.generations.row(*group).previous != GLB_NO_TABLE;
    };
    const auto has_targets = [&](const std::string &group) {
        return std::ranges::any_of(
            live->targets, [&](const health::TargetSnapshot &target) { return target.group == group; });
    };
    const bool one_table = !is_migrating_();
    if (one_table)
        for (const auto &name : indexes.retired(plan::IndexKind::target))
            if (!live->find(name) && flows(*indexes.find(plan::IndexKind::target, name)) == 0 &&
                !window_is_open(name))
                indexes.release(plan::IndexKind::target, name);
    for (const auto &name : indexes.retired(plan::IndexKind::group))
        if (!has_targets(name)) {
            allocation.generations.remove(*indexes.find(plan::IndexKind::group, name));
            indexes.release(plan::IndexKind::group, name);
        }
    if (count.endpoints && one_table)
        for (const auto &name : indexes.retired(plan::IndexKind::endpoint))
            if (!count.endpoints->contains(*indexes.find(plan::IndexKind::endpoint, name)))
                indexes.release(plan::IndexKind::endpoint, name);
    state_.installed.allocation = std::make_shared<const plan::Allocation>(std::move(allocation));
}

/// The data path uses neighbours without the kernel's knowledge, so the kernel would never notice another
/// MAC of one that flows still use.
void TableScans::refresh_next_hops(const observe::FlowStats &count) {
    std::set<datapath::NextHopKey> used;
    for (const auto &[key, index] : ports_.datapath.next_hops())
        if (count.next_hops.contains(static_cast<std::uint16_t>(index)))
            used.insert(key);
    for (const auto &neighbour : state_.installed.network.neighbours)
        if (neighbour.state == NUD_STALE && used.contains({neighbour.ifindex, neighbour.mac}))
            ports_.network.resolve(neighbour.ifindex, neighbour.address);
}

} // namespace glb::control
