// Fleet: drains: those that an operator orders, and what a later daemon is told of all of them.
#include <algorithm>

#include "controller/config/texts.h"
#include "controller/node/fleet.h"
#include "controller/state/moment.h"

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
bool Fleet::is_last(const FleetMember &member) const {
    const auto state = member.health.state();
    return std::none_of(members_.begin(), members_.end(), [&](const auto &row) {
        const auto &other = row.second;
        return other.group == member.group && other.name != member.name && other.target.weight != 0 &&
               other.health.state() != TargetState::draining &&
               (!is_alive(state) || is_alive(other.health.state()));
    });
}

void Fleet::go_back(Fleet before, MonotonicTime now) {
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

Status Fleet::drain(const std::string &name, bool force, MonotonicTime now) {
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
    tell(member, member.health.set_draining(Draining::by_operator, now));
    return {};
}

Status Fleet::undrain(const std::string &name, MonotonicTime now) {
    const auto found = members_.find(name);
    if (found == members_.end() || found->second.drain_until)
        return tl::unexpected(no_such_target(name));
    auto &member = found->second;
    if (member.ordered_until) {
        member.ordered_until.reset();
        tell(member, member.health.set_draining(Draining::no, now));
    }
    return {};
}

std::vector<std::string> Fleet::ordered_drains() const {
    std::vector<std::string> names;
    for (const auto &[name, member] : members_)
        if (member.ordered_until)
            names.push_back(name);
    return names;
}

nlohmann::json Fleet::drains() const {
    auto removed = nlohmann::json::object();
    auto ordered = nlohmann::json::object();
    for (const auto &[name, member] : members_) {
        if (member.drain_until)
            removed[name] = {{"until", moment_json(*member.drain_until)},
                             {"policy", to_text(member.on_deregistered)}};
        if (member.ordered_until)
            ordered[name] = {{"until", moment_json(*member.ordered_until)}};
    }
    if (removed.empty() && ordered.empty())
        return nullptr;
    return {{"removed", removed}, {"ordered", ordered}};
}

void Fleet::set_drains(const nlohmann::json &drains) {
    const auto rows = [&](const char *kind) {
        const auto found = drains.is_object() ? drains.find(kind) : drains.end();
        return drains.is_object() && found != drains.end() && found->is_object() ? *found
                                                                                 : nlohmann::json::object();
    };
    const auto removed = rows("removed"), ordered = rows("ordered"); // items() does not own them
    for (const auto &[name, row] : removed.items()) {
        if (!row.is_object())
            continue;
        const auto policy = from_text<FailurePolicy>(row.value("policy", nlohmann::json()).is_string()
                                                         ? row["policy"].get<std::string>()
                                                         : std::string());
        known_removed_[name] = {moment_of(row.value("until", nlohmann::json())),
                                policy.value_or(FailurePolicy::rehash)};
    }
    for (const auto &[name, row] : ordered.items())
        if (row.is_object())
            known_ordered_[name] = moment_of(row.value("until", nlohmann::json()));
}

} // namespace glb
