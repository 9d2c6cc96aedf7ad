#include "controller/health/target_registry.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "controller/plan/index_allocator.h"

namespace glb::health {

namespace {

/// For targets whose group is not configured any more.
constexpr std::chrono::seconds default_delay{300};

/// Thresholds and times apply to the same check.
bool is_same_check(const HealthGroup &a, const HealthGroup &b) {
    const auto what = [](const HealthGroup &group) {
        const auto &probe = group.probe;
        return std::tie(probe.protocol, probe.port, probe.path, probe.host, probe.matcher, probe.ca_file,
                        group.in_band.is_health_check, group.in_band.inner);
    };
    return what(a) == what(b);
}

/// What an earlier daemon persisted of `name`, unless it was of another appliance with this id.
std::optional<PersistedHealth> take_health(PersistedTargets &persisted, const std::string &name,
                                           const HealthTarget &target) {
    const auto row = persisted.health.extract(name);
    if (row.empty() || (!row.mapped().address.empty() &&
                        row.mapped().address != plan::address_text(target.address, target.port)))
        return std::nullopt;
    return row.mapped();
}

} // namespace

bool TargetRegistry::apply(TargetEntry &entry, const std::optional<HealthTransition> &transition) {
    if (is_alive(entry.health.state()))
        groups_[entry.group].ever_healthy = true;
    if (transition && on_transition_)
        on_transition_(entry, *transition);
    return transition.has_value();
}

/// The same id with another address or port is another appliance: the previous one drains as a removed target, under
/// another name. One that comes back while it drains is reinstated. Returns the end of an operator's drain, which
/// is that of the id.
std::optional<MonotonicTime> TargetRegistry::displace(const HealthGroup &group, const HealthTarget &target,
                                                      MonotonicTime now) {
    const auto rename = [&](const std::string &from, const std::string &to) {
        auto node = entries_.extract(from);
        if (node.empty())
            return;
        node.key() = node.mapped().name = to;
        entries_.insert(std::move(node));
    };
    const auto name = plan::target_name(group.name, target.id);
    const auto found = entries_.find(name);
    std::optional<MonotonicTime> drained_until;
    if (found != entries_.end() && !found->second.target.is_same_appliance(target)) {
        const auto &old = found->second.target;
        const auto displaced =
            plan::displaced_name(group.name, target.id, plan::address_text(old.address, old.port));
        rename(name, displaced);
        auto &previous = entries_.at(displaced);
        if (!previous.drain_until)
            begin_removal(previous, now);
        drained_until = std::exchange(previous.operator_drain_until, std::nullopt);
    }
    if (!entries_.contains(name))
        rename(plan::displaced_name(group.name, target.id, plan::address_text(target.address, target.port)),
               name);
    if (const auto reinstated = entries_.find(name); reinstated != entries_.end() && drained_until)
        reinstated->second.operator_drain_until = drained_until;
    return drained_until;
}

void TargetRegistry::configure_target(const HealthGroup &group, const HealthTarget &target,
                                      bool check_changed, MonotonicTime now) {
    const auto name = plan::target_name(group.name, target.id);
    const auto drained_until = displace(group, target, now);
    auto found = entries_.find(name);
    if (found == entries_.end()) {
        TargetEntry entry{group.name, name, group.index, target,
                          TargetHealth(group.policy, now, take_health(restored_, name, target))};
        entry.operator_drain_until = drained_until;
        found = entries_.emplace(name, std::move(entry)).first;
        apply(found->second, found->second.health.on_registered(now));
    }
    auto &entry = found->second;
    entry.group_index = group.index;
    entry.target = target;
    entry.on_deregistered = group.on_deregistered;
    entry.drain_until.reset();
    if (const auto restored = restored_.operator_drains.extract(name))
        entry.operator_drain_until = restored.mapped();
    apply(entry, entry.health.set_policy(group.policy, now, check_changed));
    apply(entry, entry.health.set_in_use(!group.endpoints.empty(), now));
    apply(entry,
          entry.health.set_draining(entry.operator_drain_until ? Draining::by_operator : Draining::no, now));
}

void TargetRegistry::configure(const HealthConfig &config, MonotonicTime now) {
    std::set<std::string> configured;
    for (auto &[name, group] : groups_)
        group.configured = false;
    for (const auto &group : config.groups) {
        auto &entry = groups_[group.name];
        entry.configured = true;
        const bool check_changed = !is_same_check(entry.settings, group);
        entry.settings = group;
        entry.settings.targets.clear();
        for (const auto &target : group.targets) {
            configured.insert(plan::target_name(group.name, target.id));
            configure_target(group, target, check_changed, now);
        }
    }
    for (auto &[name, entry] : entries_)
        if (!configured.contains(name) && !entry.drain_until)
            begin_removal(entry, now);
    restored_.operator_drains.clear(); // the rest: targets that are not configured
    erase_empty_groups();
}

/// An earlier deadline of an operator's drain applies.
void TargetRegistry::begin_removal(TargetEntry &entry, MonotonicTime now) {
    const auto &group = groups_.at(entry.group);
    entry.drain_until = now + (group.configured ? group.settings.deregistration_delay : default_delay);
    if (entry.operator_drain_until)
        entry.drain_until = std::min(*entry.drain_until, *entry.operator_drain_until);
    apply(entry, entry.health.set_draining(Draining::deregistered, now));
}

void TargetRegistry::erase_empty_groups() {
    std::erase_if(groups_,
                  [&](const auto &row) { return !row.second.configured && members_of(row.first).empty(); });
}

void TargetRegistry::adopt(const AdoptedTarget &adopted, MonotonicTime now) {
    const auto &name = adopted.name;
    if (entries_.contains(name))
        return;
    auto &group = groups_[adopted.group];
    if (!group.configured)
        group.settings.index = adopted.group_index;
    TargetEntry entry{adopted.group, name, adopted.group_index, adopted.target, TargetHealth({}, now)};
    entry.drain_until = now + default_delay;
    if (group.configured)
        entry.on_deregistered = group.settings.on_deregistered;
    if (const auto restored = restored_.removed.extract(name)) {
        entry.drain_until = restored.mapped().until;
        entry.on_deregistered = restored.mapped().policy;
    }
    (void)entry.health.set_draining(Draining::deregistered, now);
    entries_.emplace(name, std::move(entry));
}

void TargetRegistry::restore(const PersistedTargets &persisted) {
    restored_ = persisted;
    for (const auto &[name, row] : persisted.health)
        if (is_alive(row.state))
            groups_[name.substr(0, name.find('/'))].ever_healthy = true;
}

void TargetRegistry::restore_failure(const std::string &name, HealthReason reason) {
    const auto found = restored_.health.find(name);
    if (found == restored_.health.end() || !is_alive(found->second.state))
        return;
    found->second.state = TargetState::unhealthy;
    found->second.reason = reason;
}

PersistedTargets TargetRegistry::persisted() const {
    PersistedTargets persisted;
    for (const auto &[name, entry] : entries_) {
        auto &row = persisted.health[name] = entry.health.persisted();
        row.address = plan::address_text(entry.target.address, entry.target.port);
        if (entry.drain_until)
            persisted.removed[name] = {*entry.drain_until, entry.on_deregistered};
        if (entry.operator_drain_until)
            persisted.operator_drains[name] = *entry.operator_drain_until;
    }
    return persisted;
}

bool TargetRegistry::on_probe(const std::string &name, const ProbeResult &result, MonotonicTime now) {
    return update(name, [&](TargetHealth &health) { return health.on_probe(result, now); });
}

/// A failure beneath a drain changes the target's flags, but is not a transition.
bool TargetRegistry::update(const std::string &name, const HealthInput &input) {
    const auto found = entries_.find(name);
    if (found == entries_.end())
        return false;
    auto &health = found->second.health;
    const bool was_half_open = health.is_half_open(), had_failed = health.has_failed();
    const bool changed = apply(found->second, input(health));
    return changed || health.is_half_open() != was_half_open || health.has_failed() != had_failed;
}

bool TargetRegistry::on_neighbour(const std::string &name, bool resolved, MonotonicTime now) {
    return update(name, [&](TargetHealth &health) { return health.on_neighbour(resolved, now); });
}

void TargetRegistry::on_sender_mac(const IpAddress &sender, const MacAddress &mac, MonotonicTime now) {
    for (auto &[name, entry] : entries_)
        if (entry.target.address == sender)
            entry.health.errors().record(
                fmt::format("packets with source MAC {} are dropped (sender_mac): its "
                            "address resolves to another MAC; set "
                            "node.tunnel.senderMac to \"any\" to accept them",
                            mac.to_string()),
                now);
}

void TargetRegistry::merge_failures(const TargetRegistry &other, MonotonicTime now) {
    for (auto &[name, entry] : entries_) {
        const auto found = std::ranges::find_if(other.entries_, [&](const auto &row) {
            return row.second.group == entry.group && row.second.target.is_same_appliance(entry.target);
        });
        if (found == other.entries_.end() || !found->second.health.has_failed() || entry.health.has_failed())
            continue;
        const auto draining = entry.health.draining();
        entry.health = found->second.health;
        (void)entry.health.set_draining(draining, now);
    }
}

std::vector<RemovedTarget>
TargetRegistry::remove_drained(const std::function<std::uint64_t(std::uint16_t)> &live_flows,
                               MonotonicTime now) {
    std::vector<RemovedTarget> removed;
    for (auto at = entries_.begin(); at != entries_.end();) {
        const auto &entry = at->second;
        const auto flows = entry.drain_until ? live_flows(entry.target.index) : 0;
        const bool expired = entry.drain_until && *entry.drain_until <= now &&
                             entry.on_deregistered != config::FailurePolicy::hold;
        const bool empty = entry.drain_until && flows == 0;
        if (!expired && !empty) {
            ++at;
            continue;
        }
        removed.push_back(
            {entry.name, entry.target.index, empty ? 0 : final_target_state(entry.on_deregistered), flows});
        at = entries_.erase(at);
    }
    erase_empty_groups();
    return removed;
}

bool TargetRegistry::is_initial(const std::string &name) const {
    const auto found = entries_.find(name);
    return found != entries_.end() && found->second.health.state() == TargetState::initial;
}

TargetInput TargetRegistry::input_of(const TargetEntry &entry, const GroupEntry &group,
                                     MonotonicTime now) const {
    TargetInput input{entry.target.index,        entry.target.weight,         entry.health.state(),
                      entry.health.has_failed(), entry.health.is_half_open(), entry.health.group_outage()};
    if (entry.drain_until && *entry.drain_until <= now)
        input.overdue = entry.on_deregistered;
    else if (entry.operator_drain_until && *entry.operator_drain_until <= now)
        input.overdue = group.settings.on_deregistered;
    return input;
}

/// Names begin with the group's name and a slash, which no group's name contains.
std::ranges::subrange<TargetRegistry::Entries::const_iterator>
TargetRegistry::members_of(const std::string &group) const {
    const auto first = entries_.lower_bound(plan::target_name(group, ""));
    auto last = first;
    while (last != entries_.end() && last->second.group == group)
        ++last;
    return {first, last};
}

GroupStateRow TargetRegistry::row_of(const std::string &name, const GroupEntry &group,
                                     MonotonicTime now) const {
    GroupStateRow row{name, group.settings.index, {}, {}};
    std::vector<TargetInput> inputs;
    for (const auto &[key, entry] : members_of(name)) {
        row.indexes.push_back(entry.target.index);
        inputs.push_back(input_of(entry, group, now));
    }
    row.state = decide_group_state(inputs, group.settings.on_unhealthy, group.settings.on_all_unhealthy,
                                   group.ever_healthy);
    return row;
}

std::vector<GroupStateRow> TargetRegistry::group_states(MonotonicTime now) const {
    std::vector<GroupStateRow> rows;
    for (const auto &[name, group] : groups_)
        rows.push_back(row_of(name, group, now));
    return rows;
}

std::optional<GroupStateRow> TargetRegistry::group_state(const std::string &group, MonotonicTime now) const {
    const auto found = groups_.find(group);
    return found == groups_.end() ? std::nullopt : std::optional(row_of(group, found->second, now));
}

std::vector<ProbeTarget> TargetRegistry::probe_targets(const IpAddress &source) const {
    std::vector<ProbeTarget> targets;
    for (const auto &[name, entry] : entries_) {
        const auto group = groups_.find(entry.group);
        if (group == groups_.end() || entry.health.is_unused() ||
            group->second.settings.probe.protocol == ProbeKind::none)
            continue;
        ProbeTarget target;
        target.key = name;
        target.address = entry.target.address;
        target.settings = group->second.settings.probe;
        target.source.address = source;
        targets.push_back(std::move(target));
    }
    return targets;
}

} // namespace glb::health
