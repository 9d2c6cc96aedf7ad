#include "controller/health/passive_monitor.h"

#include <cstring>
#include <ctime>
#include <utility>

#include <spdlog/spdlog.h>

namespace glb::health {

namespace {

using namespace std::chrono_literals;
using Outcome = InBandResult::Outcome;

// Probes that find out whether in-band probes work, and that let failed targets recover.
constexpr std::chrono::milliseconds background_interval{1000};
constexpr std::chrono::milliseconds background_timeout{500};
constexpr auto target_tick_interval = 1s;
constexpr auto outage_probe_interval = 100ms;
constexpr auto not_sent_log_interval = 30s;

/// `at` on CLOCK_BOOTTIME, which also counts while the machine is suspended: the detector must see such a
/// gap.
MonotonicTime boot_clock(MonotonicTime at) {
    timespec boot{}, monotonic{};
    ::clock_gettime(CLOCK_BOOTTIME, &boot);
    ::clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return at + std::chrono::seconds(boot.tv_sec - monotonic.tv_sec) +
           std::chrono::nanoseconds(boot.tv_nsec - monotonic.tv_nsec);
}

InBandTarget in_band_target(const InBandSettings &settings, const TargetEntry &entry) {
    InBandTarget target;
    target.key = entry.name;
    target.address = entry.target.address;
    target.port = entry.target.port;
    target.inner = settings.inner;
    target.interval = settings.is_health_check ? settings.interval : background_interval;
    target.timeout = settings.is_health_check ? settings.timeout : background_timeout;
    return target;
}

bool is_probed(const TargetEntry &entry) {
    return !entry.drain_until && entry.health.state() != TargetState::unused;
}

bool is_evaluated(const TargetEntry &entry) {
    return is_probed(entry) && entry.target.weight != 0 && entry.health.draining() == Draining::no;
}

} // namespace

PassiveMonitor::PassiveMonitor(boost::asio::io_context &loop, TargetRegistry &registry,
                               PassiveMonitorHost &host)
    : registry_(registry), host_(host),
      in_band_(loop,
               [this](const std::string &name, const InBandResult &result) { on_in_band(name, result); }),
      timer_(loop) {}

void PassiveMonitor::configure(const HealthConfig &config) {
    auto previous = std::exchange(groups_, {});
    bool any_passive = false;
    for (const auto &group : config.groups) {
        if (!group.policy.passive && !group.in_band.is_health_check)
            continue;
        any_passive |= group.policy.passive;
        auto known = previous.extract(group.name);
        auto &row = known.empty()
                        ? groups_.emplace(group.name, Group{group, OutlierDetector(group.detector), {}, {}})
                              .first->second
                        : groups_.insert(std::move(known)).position->second;
        row.settings = group;
        row.detector.set_settings(group.detector);
    }
    std::vector<InBandTarget> targets;
    for (const auto &[name, entry] : registry_.entries())
        if (const auto group = groups_.find(entry.group); group != groups_.end() && is_probed(entry))
            targets.push_back(in_band_target(group->second.settings.in_band, entry));
    in_band_.set_targets(targets, config.probe_source);
    const auto is_gone = [&](const auto &row) { return !registry_.entries().contains(row.first); };
    std::erase_if(returned_at_check_, is_gone);
    std::erase_if(half_open_, is_gone);
    if (any_passive && !polling_)
        schedule(Clock::now() + OutlierDetector::poll_interval);
    if (!any_passive)
        timer_.cancel();
    polling_ = any_passive;
}

void PassiveMonitor::stop() {
    groups_.clear();
    returned_at_check_.clear();
    half_open_.clear();
    in_band_.set_targets({}, {});
    timer_.cancel();
    polling_ = false;
}

void PassiveMonitor::schedule(Clock::time_point due) {
    timer_.expires_at(due);
    timer_.async_wait([this, due](const boost::system::error_code &error) {
        if (error || !polling_)
            return;
        poll();
        schedule(std::max(due + OutlierDetector::poll_interval, Clock::now()));
    });
}

void PassiveMonitor::poll() {
    host_.poll_events();
    for (auto &[name, group] : groups_) {
        if (!group.settings.policy.passive)
            continue;
        const bool changed = poll_group(group, name);
        if (update_half_open_targets(group) || changed)
            host_.on_group_changed(name);
    }
    probe_group_outage_targets();
    tick_targets();
}

bool PassiveMonitor::poll_group(Group &group, const std::string &name) {
    group.counters.clear();
    group.names.clear();
    for (const auto &[key, entry] : registry_.members_of(name)) {
        if (!is_evaluated(entry))
            continue;
        const auto count = host_.target_count(entry.target.index);
        if (!count)
            return false;
        group.counters.push_back({entry.target.index, count->outbound.packets, count->returned.packets,
                                  count->unanswered, count->answered, count->attempted, count->confirmed,
                                  entry.health.failed_passively(), entry.health.in_band_worked()});
        group.names.emplace(entry.target.index, key);
    }
    bool changed = false;
    for (const auto &action : group.detector.poll(group.counters, boot_clock(Clock::now())))
        changed |= execute(group, action);
    return changed;
}

bool PassiveMonitor::execute(Group &group, const DetectorAction &action) {
    const auto &name = group.names.at(action.target);
    switch (action.kind) {
    case DetectorAction::Kind::probe:
        if (const auto sent = in_band_.probe_now(name); !sent) {
            on_not_sent(name, sent.error().message);
            group.detector.on_unsent(action.target, boot_clock(Clock::now()));
        }
        return false;
    case DetectorAction::Kind::clear:
        spdlog::info("target {}: no longer suspected to be unresponsive: {}", name, action.description);
        return false;
    case DetectorAction::Kind::skip_ejection:
        spdlog::warn("target {}: {}; not ejected, maxEjectedPercent reached", name, action.description);
        return false;
    case DetectorAction::Kind::eject:
        break;
    }
    if (action.group_outage)
        spdlog::warn("target {}: all targets of its group became unresponsive at once", name);
    return registry_.update(name, [&](TargetHealth &health) {
        return health.on_passive_failure(action.description, action.group_outage, Clock::now());
    });
}

/// Only new flows that start during the half-open phase count.
bool PassiveMonitor::update_half_open_targets(const Group &group) {
    bool changed = false;
    for (const auto &row : group.counters) {
        const auto &name = group.names.at(row.target);
        if (!registry_.entries().at(name).health.is_half_open()) {
            half_open_.erase(name);
            continue;
        }
        const auto [at, is_new] =
            half_open_.try_emplace(name, NewFlows{row.new_flows_started, row.new_flows_confirmed});
        const auto before =
            std::exchange(at->second, NewFlows{row.new_flows_started, row.new_flows_confirmed});
        if (!is_new && row.new_flows_started >= before.started && row.new_flows_confirmed >= before.confirmed)
            changed |= registry_.update(name, [&](TargetHealth &health) {
                return health.on_new_flows(row.new_flows_started - before.started,
                                           row.new_flows_confirmed - before.confirmed, Clock::now());
            });
    }
    return changed;
}

/// Targets that failed in a group-wide outage recover with their first answer, so they are probed often.
void PassiveMonitor::probe_group_outage_targets() {
    const auto now = Clock::now();
    if (now - last_outage_probe_ < outage_probe_interval)
        return;
    last_outage_probe_ = now;
    for (const auto &[name, entry] : registry_.entries())
        if (entry.health.group_outage() && groups_.contains(entry.group))
            (void)in_band_.probe_now(name);
}

void PassiveMonitor::tick_targets() {
    const auto now = Clock::now();
    if (now - last_tick_ < target_tick_interval)
        return;
    last_tick_ = now;
    std::vector<const TargetEntry *> failed; // updates do not move entries
    for (const auto &[name, entry] : registry_.entries())
        if (entry.health.failed_passively())
            failed.push_back(&entry);
    for (const auto *entry : failed)
        if (registry_.update(entry->name, [&](TargetHealth &health) -> std::optional<HealthTransition> {
                health.tick(now);
                return std::nullopt;
            }))
            host_.on_group_changed(entry->group);
}

void PassiveMonitor::on_event(const glb_event &event) {
    std::uint64_t nonce;
    std::memcpy(&nonce, &event.address[1], sizeof nonce);
    in_band_.on_event(IpAddress::v4(event.address[0]), nonce);
}

void PassiveMonitor::on_in_band(const std::string &name, const InBandResult &result) {
    const auto found = registry_.entries().find(name);
    if (found == registry_.entries().end())
        return;
    const auto &entry = found->second;
    const auto group = groups_.find(entry.group);
    if (group == groups_.end())
        return;
    if (result.outcome == Outcome::answered)
        group->second.detector.on_answer(entry.target.index, boot_clock(result.sent));
    else if (result.outcome == Outcome::unanswered && group->second.detector.on_missed(entry.target.index))
        (void)registry_.update(name, [](TargetHealth &health) -> std::optional<HealthTransition> {
            health.on_in_band_ended();
            return std::nullopt;
        });
    if (result.outcome == Outcome::unsent && !group->second.settings.in_band.is_health_check)
        on_not_sent(name, result.detail);
    // The detector clears suspects. Other answers to requested probes count only after a group-wide outage.
    const bool counts = result.periodic || entry.health.group_outage();
    if (counts && result.outcome != Outcome::unsent && registry_.update(name, [&](TargetHealth &health) {
            return health.on_in_band(result.outcome == Outcome::answered, Clock::now());
        }))
        host_.on_group_changed(entry.group);
    if (result.periodic && group->second.settings.in_band.is_health_check)
        check_by_geneve(group->second.settings, entry, result);
}

/// A probe that could not leave the node.
void PassiveMonitor::on_not_sent(const std::string &name, const std::string &error) {
    const auto now = Clock::now();
    (void)registry_.update(name, [&](TargetHealth &health) -> std::optional<HealthTransition> {
        health.errors().record_not_sent(error, now);
        return std::nullopt;
    });
    if (not_sent_logged_ && now - *not_sent_logged_ < not_sent_log_interval)
        return;
    not_sent_logged_ = now;
    spdlog::warn("target {}: in-band probes cannot be sent: {}", name, error);
}

/// A missing answer is no failure while traffic returns: some appliances drop endpoint ids that they are not
/// configured with.
void PassiveMonitor::check_by_geneve(const HealthGroup &group, const TargetEntry &entry,
                                     const InBandResult &result) {
    const auto count = host_.target_count(entry.target.index);
    const auto returned = count ? count->returned.packets : 0;
    const auto [at, is_new] = returned_at_check_.try_emplace(entry.name, returned);
    const auto before = std::exchange(at->second, returned);
    const bool traffic_returns = !is_new && returned > before;
    ProbeResult probe;
    probe.round_trip = result.round_trip;
    probe.outcome = ProbeOutcome::ok;
    if (result.outcome == Outcome::unsent) {
        probe.outcome = ProbeOutcome::not_sent;
        probe.detail = result.detail;
    } else if (result.outcome == Outcome::unanswered && !traffic_returns) {
        probe.outcome = ProbeOutcome::timeout;
        probe.detail = fmt::format("no in-band probe returned within {} ms", group.in_band.timeout.count());
    }
    host_.on_probe(std::string(entry.name), probe);
}

} // namespace glb::health
