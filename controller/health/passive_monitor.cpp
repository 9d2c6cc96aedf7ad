#include "controller/health/passive_monitor.h"

#include <cstring>
#include <ctime>
#include <set>

#include "controller/util/log.h"

namespace glb {

namespace {

using namespace std::chrono_literals;
using Outcome = InBandResult::Outcome;

// Of probes that learn whether in-band works, and bring back who failed.
constexpr std::chrono::milliseconds background_interval{1000};
constexpr std::chrono::milliseconds background_timeout{500};
constexpr auto tell_time_each = 1s;
constexpr auto ask_the_blameless_each = 100ms;

/// `at` on a clock that also counts while the machine sleeps: a judge must see that nobody was awake.
MonotonicTime awake_time(MonotonicTime at) {
    timespec boot{}, monotonic{};
    ::clock_gettime(CLOCK_BOOTTIME, &boot);
    ::clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return at + std::chrono::seconds(boot.tv_sec - monotonic.tv_sec) +
           std::chrono::nanoseconds(boot.tv_nsec - monotonic.tv_nsec);
}

DetectorSettings settings_of(const TargetGroup &group) {
    DetectorSettings settings;
    settings.window = group.health_check.passive.window.value_or(settings.window);
    settings.max_ejected_percent = group.health_check.max_ejected_percent;
    settings.flows_are_independent = group.stickiness == Stickiness::tuple5;
    return settings;
}

InBandTarget in_band_target(const HealthCheck &check, const TargetEntry &member) {
    InBandTarget target;
    target.key = member.name;
    target.address = member.target.address;
    target.port = member.target.port;
    target.inner = {check.in_band.source, check.in_band.destination, check.in_band.port};
    const bool is_check = check.protocol == ProbeProtocol::geneve;
    target.interval = is_check ? check.interval : background_interval;
    target.timeout = is_check ? check.timeout : background_timeout;
    return target;
}

bool is_wanted(const TargetEntry &member) {
    return !member.drain_until && member.health.state() != TargetState::unused;
}

bool takes_part(const TargetEntry &member) {
    return is_wanted(member) && member.target.weight != 0 && member.health.draining() == Draining::no;
}

} // namespace

PassiveMonitor::PassiveMonitor(boost::asio::io_context &loop, TargetRegistry &fleet,
                               std::recursive_mutex &lock, PassiveHooks hooks)
    : fleet_(fleet), lock_(lock), hooks_(std::move(hooks)),
      in_band_(loop, [this](const std::string &key, const InBandResult &result) { on_in_band(key, result); }),
      timer_(loop) {}

void PassiveMonitor::set_manifest(const Manifest &manifest) {
    const std::lock_guard held(lock_);
    auto former = std::exchange(groups_, {});
    bool any_passive = false;
    for (const auto &group : manifest.target_groups) {
        const auto &check = group.health_check;
        if (!check.passive.enabled && check.protocol != ProbeProtocol::geneve)
            continue;
        any_passive |= check.passive.enabled;
        auto known = former.extract(group.name);
        auto &row =
            known.empty()
                ? groups_.emplace(group.name, Group{check, OutlierDetector(settings_of(group)), {}, {}})
                      .first->second
                : groups_.insert(std::move(known)).position->second;
        row.check = check;
        row.judge.set_settings(settings_of(group));
    }
    std::vector<InBandTarget> targets;
    for (const auto &[name, member] : fleet_.members())
        if (const auto group = groups_.find(member.group); group != groups_.end() && is_wanted(member))
            targets.push_back(in_band_target(group->second.check, member));
    in_band_.set_targets(targets, manifest.node.tunnel.address);
    std::erase_if(back_, [&](const auto &row) { return !fleet_.members().contains(row.first); });
    std::erase_if(trials_, [&](const auto &row) { return !fleet_.members().contains(row.first); });
    if (any_passive && !polling_)
        schedule(Clock::now() + OutlierDetector::kPoll);
    if (!any_passive)
        timer_.cancel();
    polling_ = any_passive;
}

void PassiveMonitor::stop() {
    groups_.clear();
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
        schedule(std::max(due + OutlierDetector::kPoll, Clock::now()));
    });
}

void PassiveMonitor::poll() {
    const std::lock_guard held(lock_);
    hooks_.drain_events();
    bool changed = false;
    for (auto &[name, group] : groups_)
        if (group.check.passive.enabled) {
            changed |= poll_group(group, name);
            changed |= update_half_open_targets(group);
        }
    probe_group_outage_targets();
    changed |= tick_targets();
    if (changed)
        hooks_.write_words();
}

bool PassiveMonitor::poll_group(Group &group, const std::string &name) {
    group.traffic.clear();
    group.names.clear();
    for (const auto &[key, member] : fleet_.members_of(name)) {
        if (!takes_part(member))
            continue;
        const auto count = hooks_.count(member.index);
        if (!count)
            return false;
        group.traffic.push_back({member.index, count->out.packets, count->back.packets, count->silent,
                                 count->answered, count->tried, count->confirmed,
                                 member.health.failed_passively(), member.health.in_band_worked()});
        group.names.emplace(member.index, key);
    }
    bool changed = false;
    for (const auto &order : group.judge.poll(group.traffic, awake_time(Clock::now())))
        changed |= execute(group, order);
    return changed;
}

bool PassiveMonitor::execute(Group &group, const DetectorAction &order) {
    const auto &name = group.names.at(order.target);
    switch (order.kind) {
    case DetectorAction::Kind::probe:
        if (const auto sent = in_band_.ask(name); !sent) {
            spdlog::warn("target {}: {}", name, sent.error().message);
            group.judge.on_unsent(order.target, awake_time(Clock::now()));
        }
        return false;
    case DetectorAction::Kind::acquit:
        spdlog::info("target {}: suspected of silence, and acquitted: {}", name, order.description);
        return false;
    case DetectorAction::Kind::spare:
        spdlog::warn("target {}: {}; it stays, for maxEjectedPercent of its group are out already", name,
                     order.description);
        return false;
    case DetectorAction::Kind::convict:
        break;
    }
    if (order.group_outage)
        spdlog::warn("target {}: all targets of its group fell silent together", name);
    return fleet_.update_health(name, [&](TargetHealth &health) {
        return health.on_passive_failure(order.description, order.group_outage, Clock::now());
    });
}

/// What a target got since the last poll, of new flows; those that came before its trial are not counted for
/// it.
bool PassiveMonitor::update_half_open_targets(const Group &group) {
    bool changed = false;
    for (const auto &row : group.traffic) {
        const auto &name = group.names.at(row.target);
        if (!fleet_.members().at(name).health.is_half_open()) {
            trials_.erase(name);
            continue;
        }
        const auto [at, is_new] = trials_.try_emplace(name, Trial{row.tried, row.confirmed});
        const auto before = std::exchange(at->second, Trial{row.tried, row.confirmed});
        if (!is_new && row.tried >= before.tried && row.confirmed >= before.confirmed)
            changed |= fleet_.update_health(name, [&](TargetHealth &health) {
                return health.on_new_flows(row.tried - before.tried, row.confirmed - before.confirmed,
                                           Clock::now());
            });
    }
    return changed;
}

/// Who failed with all its siblings is to be back the moment it answers.
void PassiveMonitor::probe_group_outage_targets() {
    const auto now = Clock::now();
    if (now - asked_ < ask_the_blameless_each)
        return;
    asked_ = now;
    for (const auto &[name, member] : fleet_.members())
        if (member.health.group_outage() && groups_.contains(member.group))
            (void)in_band_.ask(name);
}

bool PassiveMonitor::tick_targets() {
    const auto now = Clock::now();
    if (now - told_time_ < tell_time_each)
        return false;
    told_time_ = now;
    std::vector<std::string> failed;
    for (const auto &[name, member] : fleet_.members())
        if (member.health.failed_passively())
            failed.push_back(name);
    bool changed = false;
    for (const auto &name : failed)
        changed |= fleet_.update_health(name, [&](TargetHealth &health) -> std::optional<HealthTransition> {
            health.on_time(now);
            return std::nullopt;
        });
    return changed;
}

void PassiveMonitor::on_event(const glb_event &event) {
    std::uint64_t nonce;
    std::memcpy(&nonce, &event.address[1], sizeof nonce);
    in_band_.on_event(IpAddress::v4(event.address[0]), nonce);
}

void PassiveMonitor::on_in_band(const std::string &key, const InBandResult &result) {
    const std::lock_guard held(lock_);
    const auto found = fleet_.members().find(key);
    if (found == fleet_.members().end())
        return;
    const auto &member = found->second;
    const auto group = groups_.find(member.group);
    if (group == groups_.end())
        return;
    if (result.outcome == Outcome::answered)
        group->second.judge.on_answer(member.index, awake_time(result.sent));
    else if (result.outcome == Outcome::silent && group->second.judge.on_missed(member.index))
        (void)fleet_.update_health(key, [](TargetHealth &health) -> std::optional<HealthTransition> {
            health.on_in_band_ended();
            return std::nullopt;
        });
    // A suspect is acquitted by the judge; beside that, answers that were asked for count after a common
    // cause alone.
    const bool counts = result.periodic || member.health.group_outage();
    if (counts && result.outcome != Outcome::unsent && fleet_.update_health(key, [&](TargetHealth &health) {
            return health.on_in_band(result.outcome == Outcome::answered, Clock::now());
        }))
        hooks_.write_words();
    if (result.periodic && group->second.check.protocol == ProbeProtocol::geneve)
        check_by_geneve(group->second.check, member, result);
}

/// Silence on the reserved endpoint is no failure where traffic returns: some appliances drop ids that they
/// were not told.
void PassiveMonitor::check_by_geneve(const HealthCheck &check, const TargetEntry &member,
                                     const InBandResult &result) {
    const auto count = hooks_.count(member.index);
    const auto back = count ? count->back.packets : 0;
    const auto [at, is_new] = back_.try_emplace(member.name, back);
    const auto before = std::exchange(at->second, back);
    const bool returns = !is_new && back > before;
    ProbeResult probe;
    probe.round_trip = result.round_trip;
    probe.outcome = ProbeOutcome::ok;
    if (result.outcome == Outcome::unsent) {
        probe.outcome = ProbeOutcome::error;
        probe.detail = result.detail;
    } else if (result.outcome == Outcome::silent && !returns) {
        probe.outcome = ProbeOutcome::timeout;
        probe.detail = fmt::format("no in-band probe came back within {} ms", check.timeout.count());
    }
    hooks_.on_probe(std::string(member.name), probe);
}

} // namespace glb
