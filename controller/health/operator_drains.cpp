// TargetRegistry: drains: those that an operator orders, and what a later daemon is told of all of them.
#include <algorithm>

#include "controller/config/enum_strings.h"
#include "controller/config/formats.h"
#include "controller/health/target_registry.h"
#include "controller/state/boot_time.h"

namespace glb {

namespace {

bool is_alive(TargetState state) {
    return state == TargetState::healthy || state == TargetState::unavailable;
}

Error no_such_target(const std::string &name) {
    return {fmt::format("there is no target {}", name), ENOENT};
}

} // namespace

/// Nobody else of its group could take its flows; where it is alive, nobody else who is alive.
bool TargetRegistry::is_last(const TargetEntry &member) const {
    const auto state = member.health.state();
    return std::none_of(members_.begin(), members_.end(), [&](const auto &row) {
        const auto &other = row.second;
        return other.group == member.group && other.name != member.name && other.target.weight != 0 &&
               other.health.state() != TargetState::draining &&
               (!is_alive(state) || is_alive(other.health.state()));
    });
}

void TargetRegistry::restore_from(TargetRegistry before, MonotonicTime now) {
    for (auto &[name, member] : before.members_) {
        const auto later = members_.find(name);
        if (later == members_.end() || !later->second.health.has_failed() || member.health.has_failed())
            continue;
        const auto draining = member.health.draining();
        member.health = later->second.health;
        (void)member.health.set_draining(draining, now);
    }
    *this = std::move(before);
}

Status TargetRegistry::drain(const std::string &name, bool force, MonotonicTime now) {
    const auto found = members_.find(name);
    if (found == members_.end() || found->second.drain_until)
        return tl::unexpected(no_such_target(name));
    auto &member = found->second;
    if (member.ordered_until)
        return {};
    if (!force && is_last(member))
        return tl::unexpected(
            Error{fmt::format("{} is the last target of its group that takes flows; --force drains it "
                              "all the same",
                              name),
                  EBUSY});
    member.ordered_until = now + groups_.at(member.group).delay;
    log_transition(member, member.health.set_draining(Draining::by_operator, now));
    return {};
}

Status TargetRegistry::undrain(const std::string &name, MonotonicTime now) {
    const auto found = members_.find(name);
    if (found == members_.end() || found->second.drain_until)
        return tl::unexpected(no_such_target(name));
    auto &member = found->second;
    if (member.ordered_until) {
        member.ordered_until.reset();
        log_transition(member, member.health.set_draining(Draining::no, now));
    }
    return {};
}

std::vector<std::string> TargetRegistry::operator_drains() const {
    std::vector<std::string> names;
    for (const auto &[name, member] : members_)
        if (member.ordered_until)
            names.push_back(name);
    return names;
}

nlohmann::json TargetRegistry::drains() const {
    auto removed = nlohmann::json::object();
    auto ordered = nlohmann::json::object();
    for (const auto &[name, member] : members_) {
        if (member.drain_until)
            removed[name] = {{"until", to_json_time(*member.drain_until)},
                             {"policy", to_string(member.on_deregistered)}};
        if (member.ordered_until)
            ordered[name] = {{"until", to_json_time(*member.ordered_until)}};
    }
    if (removed.empty() && ordered.empty())
        return nullptr;
    return {{"removed", removed}, {"ordered", ordered}};
}

void TargetRegistry::set_drains(const nlohmann::json &drains) {
    const auto rows = [&](const char *kind) {
        const auto found = drains.is_object() ? drains.find(kind) : drains.end();
        return drains.is_object() && found != drains.end() && found->is_object() ? *found
                                                                                 : nlohmann::json::object();
    };
    const auto removed = rows("removed"), ordered = rows("ordered"); // items() does not own them
    for (const auto &[name, row] : removed.items()) {
        if (!row.is_object())
            continue;
        const auto policy = from_string<FailurePolicy>(row.value("policy", nlohmann::json()).is_string()
                                                           ? row["policy"].get<std::string>()
                                                           : std::string());
        known_removed_[name] = {time_from_json(row.value("until", nlohmann::json())),
                                policy.value_or(FailurePolicy::rehash)};
    }
    for (const auto &[name, row] : ordered.items())
        if (row.is_object())
            known_ordered_[name] = time_from_json(row.value("until", nlohmann::json()));
}

} // namespace glb
