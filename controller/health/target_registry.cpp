#include "controller/health/target_registry.h"

#include <algorithm>
#include <set>

#include "controller/config/enum_strings.h"
#include "controller/config/formats.h"

namespace glb {

namespace {

HealthPolicy policy_of(const HealthCheck &check) {
    return {check.protocol != ProbeProtocol::none, check.healthy_threshold, check.unhealthy_threshold,
            check.passive.enabled};
}

ProbeSettings settings_of(const HealthCheck &check) {
    ProbeSettings settings;
    settings.protocol = check.protocol == ProbeProtocol::tcp    ? ProbeKind::tcp
                        : check.protocol == ProbeProtocol::http ? ProbeKind::http
                        : check.protocol == ProbeProtocol::https
                            ? ProbeKind::https
                            : ProbeKind::none; // GENEVE: PassiveMonitor does it
    settings.port = check.port;
    settings.path = check.path;
    settings.host = check.host;
    settings.ca_file = check.ca_file;
    if (auto matcher = StatusMatcher::parse(format_matcher(check.matcher)))
        settings.matcher = *matcher;
    settings.timeout = check.timeout;
    settings.interval = check.interval;
    settings.healthy_threshold = check.healthy_threshold;
    settings.unhealthy_threshold = check.unhealthy_threshold;
    return settings;
}

template <typename E>
std::optional<E> by_text(const std::string &text, E last) {
    for (int i = 0; i <= static_cast<int>(last); ++i)
        if (to_string(static_cast<E>(i)) == text)
            return static_cast<E>(i);
    return std::nullopt;
}

bool was_alive(TargetState state) {
    return state == TargetState::healthy || state == TargetState::unavailable;
}

} // namespace

void TargetRegistry::log_transition(const TargetEntry &member,
                                    const std::optional<HealthTransition> &transition) {
    if (was_alive(member.health.state()))
        groups_[member.group].ever_healthy = true;
    if (transition && on_transition_)
        on_transition_(member, *transition);
}

void TargetRegistry::set_target(const TargetGroup &group, const Target &target, bool in_use,
                                const IndexAllocator &book, MonotonicTime now) {
    const auto name = target_name(group.name, target.id);
    auto found = members_.find(name);
    if (found == members_.end()) {
        std::optional<PersistedHealth> known;
        if (const auto row = known_.find(name); row != known_.end()) {
            known = row->second;
            known_.erase(row); // should it go and come back, this is no news any more
        }
        TargetEntry member{group.name, name,
                           0,          0,
                           target,     TargetHealth(policy_of(group.health_check), now, known),
                           {},         group.on_deregistered};
        found = members_.emplace(name, std::move(member)).first;
        log_transition(found->second, found->second.health.on_registered(now));
    }
    auto &member = found->second;
    member.index = *book.find(IndexAllocator::Kind::target, name);
    member.group_index = *book.find(IndexAllocator::Kind::group, group.name);
    member.target = target;
    member.on_deregistered = group.on_deregistered;
    member.drain_until.reset();
    if (const auto ordered = known_ordered_.extract(name))
        member.ordered_until = ordered.mapped();
    log_transition(member, member.health.set_policy(policy_of(group.health_check), now));
    log_transition(member, member.health.set_in_use(in_use, now));
    log_transition(
        member, member.health.set_draining(member.ordered_until ? Draining::by_operator : Draining::no, now));
}

void TargetRegistry::set_manifest(const Manifest &manifest, const IndexAllocator &book, MonotonicTime now) {
    std::set<std::string> used;
    for (const auto &endpoint : manifest.endpoints)
        used.insert(endpoint.target_group);
    std::set<std::string> wanted;
    for (auto &[name, group] : groups_)
        group.wanted = false;
    for (const auto &group : manifest.target_groups) {
        auto &state = groups_[group.name];
        state.wanted = true;
        state.index = *book.find(IndexAllocator::Kind::group, group.name);
        state.on_unhealthy = group.on_unhealthy;
        state.on_deregistered = group.on_deregistered;
        state.on_all_unhealthy = group.on_all_unhealthy;
        state.check = group.health_check;
        state.delay = group.deregistration_delay;
        for (const auto &target : group.targets) {
            wanted.insert(target_name(group.name, target.id));
            set_target(group, target, used.contains(group.name), book, now);
        }
    }
    for (auto &[name, member] : members_) {
        if (wanted.contains(name) || member.drain_until)
            continue;
        begin_removal(member, now);
    }
    known_ordered_.clear(); // of targets that the manifest does not name
    forget_empty_groups();
}

/// A drain that the operator began goes on.
void TargetRegistry::begin_removal(TargetEntry &member, MonotonicTime now) {
    const auto &group = groups_.at(member.group);
    member.drain_until = now + (group.wanted ? group.delay : std::chrono::seconds(300));
    if (member.ordered_until)
        member.drain_until = std::min(*member.drain_until, *member.ordered_until);
    log_transition(member, member.health.set_draining(Draining::deregistered, now));
}

void TargetRegistry::forget_empty_groups() {
    std::erase_if(groups_, [&](const auto &row) {
        return !row.second.wanted && std::none_of(members_.begin(), members_.end(), [&](const auto &member) {
            return member.second.group == row.first;
        });
    });
}

void TargetRegistry::adopt_removed(TargetEntry member) {
    const auto name = member.name;
    auto &group = groups_[member.group];
    group.index = member.group_index;
    if (group.wanted)
        member.on_deregistered = group.on_deregistered;
    if (const auto known = known_removed_.extract(name)) {
        member.drain_until = known.mapped().until;
        member.on_deregistered = known.mapped().policy;
    }
    members_.emplace(name, std::move(member));
}

void TargetRegistry::load_persisted(const nlohmann::json &known) {
    if (!known.is_object())
        return;
    for (const auto &[name, row] : known.items()) {
        if (!row.is_object())
            continue;
        const auto text = [&row](const char *key) {
            const auto found = row.find(key);
            return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
        };
        const auto state = by_text(text("state"), TargetState::unavailable);
        const auto reason = by_text(text("reason"), HealthReason::health_check_disabled);
        if (!state)
            continue;
        const auto failures = row.value("failures", nlohmann::json());
        known_[name] = {*state, reason.value_or(HealthReason::none),
                        failures.is_number_unsigned() ? failures.get<unsigned>() : 0,
                        row.value("inBand", nlohmann::json()) == true};
        if (was_alive(*state))
            groups_[name.substr(0, name.find('/'))].ever_healthy = true;
    }
}

void TargetRegistry::restore_failure(const std::string &name, HealthReason reason) {
    const auto found = known_.find(name);
    if (found == known_.end() || !was_alive(found->second.state))
        return;
    found->second.state = TargetState::unhealthy;
    found->second.reason = reason;
}

nlohmann::json TargetRegistry::known() const {
    auto known = nlohmann::json::object();
    for (const auto &[name, member] : members_)
        known[name] = {{"state", to_string(member.health.state())},
                       {"reason", to_string(member.health.reason())},
                       {"failures", member.health.failures()},
                       {"inBand", member.health.in_band_worked()}};
    return known;
}

bool TargetRegistry::on_probe(const std::string &name, const ProbeResult &result, MonotonicTime now) {
    const auto found = members_.find(name);
    if (found == members_.end())
        return false;
    auto &health = found->second.health;
    const bool had_failed = health.has_failed();
    const auto transition = health.on_probe(result, now);
    log_transition(found->second, transition);
    return transition || health.has_failed() != had_failed; // beneath a drain it is no transition
}

bool TargetRegistry::update_health(
    const std::string &name,
    const std::function<std::optional<HealthTransition>(TargetHealth &health)> &input) {
    const auto found = members_.find(name);
    if (found == members_.end())
        return false;
    auto &member = found->second;
    const bool was_on_trial = member.health.is_half_open();
    const auto transition = input(member.health);
    log_transition(member, transition);
    return transition || member.health.is_half_open() != was_on_trial;
}

bool TargetRegistry::is_initial(const std::string &name) const {
    const auto found = members_.find(name);
    return found != members_.end() && found->second.health.state() == TargetState::initial;
}

void TargetRegistry::on_neighbour(const std::string &name, bool resolved, MonotonicTime now) {
    if (const auto found = members_.find(name); found != members_.end())
        log_transition(found->second, found->second.health.on_neighbour(resolved, now));
}

void TargetRegistry::on_sender_mac(const IpAddress &sender, const MacAddress &mac) {
    for (auto &[name, member] : members_)
        if (member.target.address == sender)
            member.health.record_error(
                fmt::format("its packets came from MAC {}, to which its address does not resolve, and "
                            "are dropped (sender_mac); node.tunnel.senderMac \"any\" takes them",
                            mac.to_string()));
}

std::vector<RemovedTarget>
TargetRegistry::remove_drained_targets(const std::function<std::uint64_t(std::uint16_t)> &live_flows,
                                       MonotonicTime now) {
    std::vector<RemovedTarget> left;
    for (auto at = members_.begin(); at != members_.end();) {
        const auto &member = at->second;
        const bool over =
            member.drain_until && *member.drain_until <= now && member.on_deregistered != FailurePolicy::hold;
        const bool empty = member.drain_until && live_flows(member.index) == 0;
        if (over || empty) {
            left.push_back({member.name, empty ? 0 : final_target_state(member.on_deregistered)});
            at = members_.erase(at);
        } else {
            ++at;
        }
    }
    forget_empty_groups();
    return left;
}

TargetInput TargetRegistry::word_member(const TargetEntry &member, const GroupState &group,
                                        MonotonicTime now) const {
    TargetInput word{member.index,
                     member.target.weight,
                     member.health.state(),
                     member.health.has_failed(),
                     member.health.is_half_open(),
                     member.health.group_outage(),
                     {}};
    if (member.drain_until && *member.drain_until <= now)
        word.overdue = member.on_deregistered;
    else if (member.ordered_until && *member.ordered_until <= now)
        word.overdue = group.on_deregistered;
    return word;
}

/// Names begin with the group's and a slash, which is in no group's name.
std::ranges::subrange<TargetRegistry::Members::const_iterator>
TargetRegistry::members_of(const std::string &group) const {
    const auto first = members_.lower_bound(target_name(group, ""));
    auto last = first;
    while (last != members_.end() && last->second.group == group)
        ++last;
    return {first, last};
}

std::vector<GroupStateRow> TargetRegistry::group_states(MonotonicTime now) const {
    std::vector<GroupStateRow> all;
    for (const auto &[name, group] : groups_) {
        GroupStateRow row{group.index, {}, {}};
        std::vector<TargetInput> members;
        for (const auto &[key, member] : members_of(name)) {
            row.indexes.push_back(member.index);
            members.push_back(word_member(member, group, now));
        }
        row.words =
            decide_group_state(members, group.on_unhealthy, group.on_all_unhealthy, group.ever_healthy);
        all.push_back(std::move(row));
    }
    return all;
}

std::vector<ProbeTarget> TargetRegistry::probe_targets(const IpAddress &source) const {
    std::vector<ProbeTarget> targets;
    for (const auto &[name, member] : members_) {
        const auto group = groups_.find(member.group);
        if (group == groups_.end() || member.health.is_unused() ||
            settings_of(group->second.check).protocol == ProbeKind::none)
            continue;
        ProbeTarget target;
        target.key = name;
        target.address = member.target.address;
        target.settings = settings_of(group->second.check);
        target.source.address = source;
        targets.push_back(std::move(target));
    }
    return targets;
}

} // namespace glb
