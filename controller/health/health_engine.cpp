#include "controller/health/health_engine.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <spdlog/spdlog.h>

namespace glb::health {

namespace {

constexpr std::chrono::seconds tick_interval{1};
/// Combines the changes of many targets. A snapshot costs about a microsecond for each target.
constexpr std::chrono::milliseconds publish_delay{20};

void log_transition(const TargetEntry &entry, const HealthTransition &change) {
    std::string reason;
    for (const std::string_view part : {to_string(change.reason), std::string_view(change.description)})
        if (!part.empty())
            reason.append(reason.empty() ? ": " : ", ").append(part);
    spdlog::info("target {}: {} -> {}{}", entry.name, to_string(change.from), to_string(change.to), reason);
}

/// Drops the results of appliances whose ids are those of others, or of none, after a change of the registry.
void forget_replaced(std::map<std::string, ProbeResult> &results, const TargetRegistry &before,
                     const TargetRegistry &after) {
    std::erase_if(results, [&](const auto &row) {
        const auto &was = before.entries(), &is = after.entries();
        return !was.contains(row.first) || !is.contains(row.first) ||
               !is.at(row.first).target.is_same_appliance(was.at(row.first).target);
    });
}

} // namespace

HealthEngine::HealthEngine(boost::asio::io_context &loop, OnEvent on_event)
    : on_event_(std::move(on_event)), registry_(log_transition),
      prober_(loop, [this](const std::string &name, const ProbeResult &result) { on_probe(name, result); }),
      passive_(loop, registry_, *this),
      events_(loop, [this](const glb_event &event) { this->on_event(event); }), tick_timer_(loop),
      publish_timer_(loop), snapshot_(std::make_shared<const HealthSnapshot>()) {
    schedule_tick();
}

HealthEngine::~HealthEngine() = default;

void HealthEngine::attach(std::shared_ptr<TargetStatePort> datapath) {
    datapath_ = std::move(datapath);
    shadow_.clear();
    events_.attach(datapath_);
}

void HealthEngine::restore(const PersistedTargets &persisted) {
    registry_.restore(persisted);
}

void HealthEngine::restore_failures(const std::map<std::string, HealthReason> &failures) {
    for (const auto &[name, reason] : failures)
        registry_.restore_failure(name, reason);
}

Status HealthEngine::stage(HealthConfig config, std::vector<AdoptedTarget> adopted) {
    if (!datapath_)
        return fail("the data path is not loaded");
    if (staged_)
        abort(staged_->config.generation);
    previous_.reset();
    const auto generation = config.generation;
    staged_ = Staged{std::move(config), std::move(adopted)};
    auto written = shadow_.write_new(*datapath_, staged_registry({}).group_states(Clock::now()));
    if (!written)
        abort(generation);
    return written;
}

/// The live registry with the staged configuration.
TargetRegistry HealthEngine::staged_registry(OnTransition on_transition) const {
    auto next = registry_;
    next.set_on_transition(std::move(on_transition));
    next.configure(staged_->config, Clock::now());
    for (const auto &target : staged_->adopted)
        next.adopt(target, Clock::now());
    return next;
}

Status HealthEngine::commit(std::uint64_t generation, const std::set<std::uint16_t> &resolved) {
    if (!staged_ || staged_->config.generation != generation || !datapath_)
        return fail("configuration {} is not staged", generation);
    std::vector<std::pair<TargetEntry, HealthTransition>> transitions;
    auto next = staged_registry([&](const TargetEntry &entry, const HealthTransition &change) {
        transitions.emplace_back(entry, change);
    });
    if (auto written = shadow_.write_all(*datapath_, next.group_states(Clock::now())); !written) {
        refresh_all(); // restores the rows of the live registry
        publish();
        return written;
    }
    next.set_on_transition(log_transition);
    previous_ = Committed{std::exchange(registry_, std::move(next)),
                          std::exchange(config_, std::move(staged_->config))};
    staged_.reset();
    for (const auto &[entry, change] : transitions)
        log_transition(entry, change);
    conditions_.groups.configure(config_);
    resolved_ = resolved;
    forget_replaced(held_results_, previous_->registry, registry_);
    start_checks();
    apply_held_results();
    refresh_all();
    publish();
    return {};
}

void HealthEngine::abort(std::uint64_t generation) {
    if (!staged_ || staged_->config.generation != generation)
        return;
    staged_.reset();
    shadow_.retain(registry_.group_states(Clock::now()));
}

void HealthEngine::revert(std::uint64_t generation) {
    if (!previous_ || config_.generation != generation)
        return;
    const auto reverted = std::exchange(registry_, std::move(previous_->registry));
    config_ = std::move(previous_->config);
    previous_.reset();
    registry_.merge_failures(reverted, Clock::now());
    // The merged health has the policies of the reverted configuration.
    registry_.configure(config_, Clock::now());
    conditions_.groups.configure(config_);
    forget_replaced(held_results_, reverted, registry_);
    start_checks();
    refresh_all();
    publish();
}

void HealthEngine::set_resolved(const std::set<std::uint16_t> &resolved) {
    resolved_ = resolved;
    apply_held_results();
}

void HealthEngine::reset() {
    staged_.reset();
    previous_.reset();
    config_ = {};
    registry_ = TargetRegistry(log_transition);
    resolved_.clear();
    held_results_.clear();
    conditions_ = {};
    prober_.set_targets({});
    passive_.stop();
    shadow_.clear();
    actions_.clear();
    write_error_.clear();
    publish();
}

void HealthEngine::start_checks() {
    prober_.set_targets(registry_.probe_targets(config_.probe_source));
    passive_.configure(config_);
}

Result<std::optional<MonotonicTime>> HealthEngine::drain(const std::string &name, bool force,
                                                         std::optional<MonotonicTime> until) {
    GLB_ASSIGN(const auto before, registry_.drain(name, force, Clock::now(), until));
    refresh_all();
    publish();
    return before;
}

Result<std::optional<MonotonicTime>> HealthEngine::undrain(const std::string &name) {
    GLB_ASSIGN(const auto before, registry_.undrain(name, Clock::now()));
    refresh_all();
    publish();
    return before;
}

void HealthEngine::on_flow_counts(const std::vector<std::uint64_t> &by_target) {
    if (staged_)
        return;
    const auto live = [&](std::uint16_t index) { return index < by_target.size() ? by_target[index] : 0; };
    auto removed = registry_.remove_drained(live, Clock::now());
    if (removed.empty())
        return;
    for (const auto &target : removed) {
        spdlog::info("target {}: removed, {} flows remain in the flow table", target.name, target.flows);
        shadow_.set_final(target);
    }
    start_checks();
    refresh_all();
    publish();
    on_event_(TargetsRemoved{std::move(removed)});
}

void HealthEngine::on_neighbours(const std::map<std::string, bool> &resolved) {
    for (const auto &[name, is_resolved] : resolved)
        if (registry_.on_neighbour(name, is_resolved, Clock::now()))
            on_group_changed(registry_.entries().at(name).group);
}

void HealthEngine::on_probe(const std::string &name, const ProbeResult &result) {
    const auto found = registry_.entries().find(name);
    if (found == registry_.entries().end())
        return;
    if (result.outcome == ProbeOutcome::not_sent) {
        if (const auto line = conditions_.local_errors.record(name, result.detail, Clock::now());
            !line.empty())
            spdlog::error("{}", line);
        return apply_probe_result(name, result);
    }
    const auto &target = found->second.target;
    if (result.outcome == ProbeOutcome::timeout || result.outcome == ProbeOutcome::error)
        on_event_(TargetUnanswered{target.address});
    held_results_.erase(name);
    const bool wants_path =
        result.outcome == ProbeOutcome::ok && registry_.is_initial(name) && !resolved_.contains(target.index);
    if (!wants_path)
        return apply_probe_result(name, result);
    held_results_[name] = result;
    on_event_(TargetPathWanted{name});
}

/// The data path must have a path to a target before the target is healthy. Otherwise a daemon that is killed
/// in between would leave a healthy target without a path.
void HealthEngine::apply_held_results() {
    for (const auto &[name, result] : std::exchange(held_results_, {})) {
        const auto found = registry_.entries().find(name);
        if (found == registry_.entries().end() || !registry_.is_initial(name))
            continue;
        if (resolved_.contains(found->second.target.index))
            apply_probe_result(name, result);
        else
            held_results_.emplace(name, result);
    }
}

void HealthEngine::apply_probe_result(const std::string &name, const ProbeResult &result) {
    if (registry_.on_probe(name, result, Clock::now()))
        on_group_changed(registry_.entries().at(name).group);
    else if (result.outcome != ProbeOutcome::ok)
        publish_soon(); // last_error
}

void HealthEngine::poll_events() {
    events_.poll();
}

void HealthEngine::on_event(const glb_event &event) {
    switch (event.kind) {
    case GLB_EVENT_IN_BAND:
        return passive_.on_event(event);
    case GLB_EVENT_NO_METADATA:
        return on_event_(DriverLacksMetadata{event.ifindex});
    case GLB_EVENT_TX_OFFLOAD:
        return on_event_(ChecksumMissing{event.ifindex, static_cast<std::uint16_t>(event.address[0])});
    case GLB_EVENT_NO_NEIGHBOUR: {
        IpAddress address;
        address.family = static_cast<std::uint8_t>(event.family);
        std::memcpy(address.bytes.data(), event.address, address.bits() / 8);
        return on_event_(NextHopMissing{event.ifindex, address});
    }
    case GLB_EVENT_SENDER_MAC: {
        MacAddress mac;
        std::memcpy(mac.bytes.data(), &event.address[1], mac.bytes.size());
        const auto sender = IpAddress::v4(event.address[0]);
        registry_.on_sender_mac(sender, mac, Clock::now());
        publish_soon();
        return on_event_(SenderMacMismatch{sender});
    }
    default:
        return;
    }
}

std::optional<glb_target_count> HealthEngine::target_count(std::uint16_t target) {
    return datapath_ ? datapath_->target_count(target) : std::nullopt;
}

void HealthEngine::on_group_changed(const std::string &group) {
    if (const auto row = registry_.group_state(group, Clock::now()))
        refresh({&*row, 1}, write_error_);
    publish_soon();
}

void HealthEngine::refresh_all() {
    const auto rows = registry_.group_states(Clock::now());
    shadow_.retain(rows);
    actions_.clear();
    refresh(rows, std::exchange(write_error_, {}));
}

/// Writes the rows that differ and logs changed conditions of their groups. A failure is logged once, and the
/// tick retries.
void HealthEngine::refresh(std::span<const GroupStateRow> rows, const std::string &logged_error) {
    if (const auto done = datapath_ ? shadow_.write_all(*datapath_, rows) : Status{}; !done) {
        const auto &error = done.error().message;
        if (error != logged_error) // which may be write_error_ itself
            spdlog::error("cannot write target states, will retry: {}", error);
        write_error_ = error;
    }
    for (const auto &row : rows) {
        const auto action = row.state.decision.action;
        actions_[row.group] = action;
        const bool any_failed = std::ranges::any_of(registry_.members_of(row.group), [](const auto &member) {
            return member.second.health.state() == TargetState::unhealthy;
        });
        for (const auto &line : conditions_.groups.update(row.group, action, any_failed))
            spdlog::warn("{}", line);
    }
}

/// Deadlines of drains expire without any other input, and failed writes are retried.
void HealthEngine::schedule_tick() {
    tick_timer_.expires_after(tick_interval);
    tick_timer_.async_wait([this](const boost::system::error_code &code) {
        if (code)
            return;
        if (config_.generation != 0) {
            const bool any_left = std::ranges::any_of(registry_.entries(), [](const auto &row) {
                return row.second.health.errors().check_not_sent();
            });
            if (const auto line = conditions_.local_errors.update(any_left, Clock::now()); !line.empty())
                spdlog::info("{}", line);
            const auto count = [this](std::uint16_t target) { return target_count(target); };
            for (const auto &line : conditions_.returns.update(registry_, count, Clock::now()))
                spdlog::warn("{}", line);
            refresh_all();
            publish();
        }
        schedule_tick();
    });
}

void HealthEngine::publish() {
    HealthSnapshot snapshot;
    snapshot.generation = config_.generation;
    for (const auto &[name, entry] : registry_.entries()) {
        const auto &health = entry.health;
        auto &row = snapshot.targets.emplace_back(TargetSnapshot{
            entry.group, name, entry.target, entry.group_index, health.state(), health.reason(),
            health.description(), health.since(), "", entry.drain_until, entry.operator_drain_until});
        if (auto error = health.errors().last(Clock::now())) {
            row.last_error = std::move(error->text);
            row.last_error_at = error->at;
        }
        row.silence = conditions_.returns.silence(entry.target.index);
        row.local_errors = health.errors().local();
    }
    snapshot.conditions = conditions_.returns.groups();
    snapshot.local_errors = conditions_.local_errors.errors();
    snapshot.groups = actions_;
    snapshot.persisted = registry_.persisted();
    snapshot.write_error = write_error_;
    snapshot_.store(std::make_shared<const HealthSnapshot>(std::move(snapshot)));
}

void HealthEngine::publish_soon() {
    if (std::exchange(publish_pending_, true))
        return;
    publish_timer_.expires_after(publish_delay);
    publish_timer_.async_wait([this](const boost::system::error_code &code) {
        publish_pending_ = false;
        if (!code)
            publish();
    });
}

std::shared_ptr<const HealthSnapshot> HealthEngine::snapshot() const {
    return snapshot_.load();
}

const TargetSnapshot *HealthSnapshot::find(const std::string &name) const {
    const auto found = std::ranges::lower_bound(targets, name, {}, &TargetSnapshot::name);
    return found == targets.end() || found->name != name ? nullptr : &*found;
}

} // namespace glb::health
