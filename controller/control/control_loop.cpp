#include "controller/control/control_loop.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/control/host_conditions.h"
#include "controller/control/persisted_targets.h"
#include "controller/control/pin_watch.h"
#include "controller/control/target_reach.h"
#include "controller/datapath/counter_reader.h"
#include "controller/plan/bank_plan.h"
#include "controller/util/log.h"
#include "controller/util/thread.h"

namespace glb::control {

namespace {

using boost::asio::use_awaitable;

constexpr std::chrono::milliseconds debounce_time{20}; // network changes come in bursts
constexpr std::chrono::milliseconds guard_pause{100};
constexpr std::chrono::seconds tick_interval{1};
constexpr std::chrono::milliseconds watch_interval{500}; // a replaced appliance is noticed within two

} // namespace

ControlLoop::ControlLoop(const Ports &ports)
    : ports_(ports), roles_(context_.get_executor(), ports_, state_, [this] { publish(); }),
      published_(std::make_shared<const observe::NodeSnapshot>()), tick_timer_(context_),
      watch_timer_(context_), guard_timer_(context_), network_changes_(context_), guard_events_(context_) {}

void ControlLoop::spawn(Task<void> task) {
    boost::asio::co_spawn(context_, std::move(task), rethrow);
}

Status ControlLoop::start(const std::optional<ManifestFile> &first_manifest) {
    ports_.health.restore(persisted_targets(ports_.state.value("health"), ports_.state.value("drains")));
    std::optional<Status> done;
    boost::asio::co_spawn(
        context_,
        [this, &first_manifest, &done]() -> Task<void> {
            const auto turn = co_await roles_.turn.take();
            done = co_await roles_.changes.start(first_manifest);
            co_await roles_.overrides.expire(); // bypasses that ended while no daemon ran
        },
        rethrow);
    while (!done)
        context_.run_one();
    report_drops(state_, ports_); // what is there now is of the past
    report_state_conditions(state_, ports_);
    publish();
    return *done;
}

void ControlLoop::run() {
    context_.restart(); // start() may have left it without work
    roles_.worker.start();
    roles_.background.start();
    spawn(tick_regularly());
    spawn(watch_targets());
    if (const int fd = ports_.network.changes_fd(); fd >= 0) {
        network_changes_.assign(fd);
        spawn(watch_network());
    }
    if (const int fd = ports_.guard.events_fd(); fd >= 0) {
        guard_events_.assign(fd);
        spawn(watch_guard());
    }
    thread_ = start_thread("glbd-control", [this] { context_.run(); });
}

void ControlLoop::stop() {
    if (!thread_.joinable())
        return;
    context_.stop();
    thread_.join();
    roles_.background.stop();
    roles_.worker.stop();
    for (auto *events : {&network_changes_, &guard_events_})
        if (events->is_open())
            events->release(); // belongs to the port
    persist_health(*ports_.health.snapshot());
}

Task<void> ControlLoop::tick_regularly() {
    for (;;) {
        tick_timer_.expires_after(tick_interval);
        co_await tick_timer_.async_wait(use_awaitable);
        co_await tick();
    }
}

Task<void> ControlLoop::tick() {
    if (roles_.turn.is_taken()) {
        roles_.reconciler.serve_while_busy();
        publish();
        co_return;
    }
    const auto turn = co_await roles_.turn.take();
    co_await roles_.changes.expire_confirmation(); // without a manifest, too: a revert may have failed
    if (!state_.desired.manifest)
        co_await roles_.changes.retry_without_manifest();
    if (state_.desired.manifest || state_.installed.guard) {
        co_await roles_.overrides.expire();
        (void)roles_.reconciler.check_guard(); // a failure is a condition
    }
    if (state_.desired.manifest) {
        co_await roles_.changes.refresh(true); // routes may change without a notification
        roles_.resizer.check();
        log_interface_changes();
        report_to_health();
        report_host_conditions(state_, ports_);
        report_drops(state_, ports_);
        if (!ports_.datapath.migration() && !roles_.resizer.target())
            restore_pins(state_, ports_);
        const auto live = ports_.health.snapshot();
        co_await roles_.worker.run([&] { persist_health(*live); });
        roles_.scans.check();
    }
    report_state_conditions(state_, ports_);
    publish();
}

Task<void> ControlLoop::watch_targets() {
    for (;;) {
        watch_timer_.expires_after(watch_interval);
        co_await watch_timer_.async_wait(use_awaitable);
        const auto handles = published_.load()->datapath;
        if (!handles)
            continue;
        const datapath::CounterReader counters(handles);
        for (const auto &target : ports_.health.snapshot()->targets)
            if (const auto count = counters.target_count(target.target.index);
                count && unanswered_.is_unanswered(target.target.index, *count))
                (void)ports_.network.force_resolve(target.target.address, ports_.clock.now());
    }
}

Task<void> ControlLoop::watch_network() {
    for (;;) {
        co_await network_changes_.async_wait(boost::asio::posix::stream_descriptor::wait_read, use_awaitable);
        const auto changed = ports_.network.drain_changes();
        if (!changed)
            spdlog::warn("{}", changed.error().message);
        else if (*changed)
            request_refresh(debounce_time);
    }
}

/// A lost part is restored at once. Other programs may change tables and rules all the time, so this is done ten times
/// per second at most.
Task<void> ControlLoop::watch_guard() {
    for (;;) {
        co_await guard_events_.async_wait(boost::asio::posix::stream_descriptor::wait_read, use_awaitable);
        if (!ports_.guard.drain_events() || !state_.installed.guard)
            continue;
        (void)roles_.reconciler.check_guard();
        publish();
        guard_timer_.expires_after(guard_pause);
        co_await guard_timer_.async_wait(use_awaitable);
    }
}

/// The first change of a burst is followed soon, however long the burst lasts.
void ControlLoop::request_refresh(std::chrono::milliseconds delay) {
    if (std::exchange(refresh_pending_, true))
        return;
    spawn(refresh(delay));
}

Task<void> ControlLoop::refresh(std::chrono::milliseconds delay) {
    boost::asio::steady_timer timer(context_, delay);
    co_await timer.async_wait(use_awaitable);
    if (roles_.turn.is_taken())
        roles_.reconciler.serve_while_busy();
    const auto turn = co_await roles_.turn.take();
    refresh_pending_ = false;
    co_await roles_.changes.refresh(false);
    log_interface_changes();
    publish();
}

Task<void> ControlLoop::remove_targets(health::TargetsRemoved removed) {
    const auto turn = co_await roles_.turn.take();
    auto allocation = *state_.installed.allocation;
    for (const auto &target : removed.targets)
        allocation.indexes.retire(plan::IndexKind::target, target.name);
    state_.installed.allocation = std::make_shared<const plan::Allocation>(std::move(allocation));
    co_await roles_.changes.refresh(false);
    publish();
}

void ControlLoop::on_health_event(health::HealthEvent event) {
    boost::asio::post(context_, [this, event = std::move(event)] { handle(event); });
}

void ControlLoop::handle(const health::HealthEvent &event) {
    auto &network = ports_.network;
    const auto now = ports_.clock.now();
    if (const auto *missing = std::get_if<health::NextHopMissing>(&event))
        network.resolve(missing->ifindex, missing->address);
    else if (const auto *unanswered = std::get_if<health::TargetUnanswered>(&event))
        (void)network.force_resolve(unanswered->address, now); // the monitor reports another MAC
    else if (const auto *driver = std::get_if<health::DriverLacksMetadata>(&event))
        handle_missing_metadata(driver->ifindex);
    else if (const auto *packet = std::get_if<health::ChecksumMissing>(&event)) // tick() reports it
        state_.conditions.tx_offload.record({packet->ifindex, packet->endpoint}, now);
    else if (const auto *removed = std::get_if<health::TargetsRemoved>(&event))
        spawn(remove_targets(*removed));
    else if (std::holds_alternative<health::TargetPathWanted>(event))
        request_refresh({});
    else if (const auto *mismatch = std::get_if<health::SenderMacMismatch>(&event))
        if (network.force_resolve(mismatch->sender, now))
            request_refresh(debounce_time);
}

void ControlLoop::handle_missing_metadata(unsigned ifindex) {
    const auto *link = state_.installed.network.link(ifindex);
    if (!link || !state_.conditions.without_punt_path.insert(ifindex).second)
        return;
    report_host_conditions(state_, ports_);
    publish();
}

/// Compares with the snapshot of the last reconciliation.
void ControlLoop::log_interface_changes() {
    const auto &manifest = state_.desired.manifest;
    const auto names = manifest ? plan::interface_names(*manifest) : std::set<std::string>{};
    auto &log = state_.conditions.interface_log;
    log.retain_only(names);
    for (const auto &name : names) {
        const auto *link = state_.installed.network.link(name);
        for (const auto &line : log.update(name, link ? link->index : 0))
            spdlog::warn("{}", line);
    }
}

void ControlLoop::report_to_health() {
    ports_.health.on_neighbours(reachable_targets(
        *ports_.health.snapshot(), [&](const IpAddress &target) { return ports_.network.reach(target); }));
    const auto overflows = ports_.network.neighbour_table_overflows();
    if (!overflows)
        return;
    auto &conditions = state_.conditions;
    update_and_log(conditions.board, neighbours_source,
                   conditions.neighbour_overflow.update(*overflows, ports_.clock.now()), ports_.clock.now());
}

/// Waits for the disk.
void ControlLoop::persist_health(const health::HealthSnapshot &live) {
    for (const auto &done : {persist(ports_.state, "health", health_to_json(live.persisted)),
                             persist(ports_.state, "drains", drains_to_json(live.persisted))})
        if (!done)
            spdlog::warn("{}", done.error().message);
}

/// While the data path is being replaced, the last snapshot remains.
void ControlLoop::publish() {
    if (state_.datapath_is_replaced)
        return;
    report_bypasses(state_, ports_.clock.now());
    published_.store(node_snapshot(state_, ports_, roles_.reconciler.attached_interfaces()));
}

} // namespace glb::control
