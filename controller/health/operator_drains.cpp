// TargetRegistry: drains by the operator.
#include <algorithm>

#include "controller/health/target_registry.h"

namespace glb::health {

Result<TargetEntry *> TargetRegistry::configured_target(const std::string &name) {
    const auto found = entries_.find(name);
    if (found == entries_.end() || found->second.drain_until)
        return tl::unexpected(Error{fmt::format("there is no target {}; see glbctl targets", name), ENOENT});
    return &found->second;
}

/// No other target of the group would accept its flows. For a live target, only live ones count.
bool TargetRegistry::is_last(const TargetEntry &entry) const {
    const bool alive = is_alive(entry.health.state());
    return std::ranges::none_of(members_of(entry.group), [&](const auto &row) {
        const auto &other = row.second;
        return other.name != entry.name && other.target.weight != 0 &&
               other.health.state() != TargetState::draining && (!alive || is_alive(other.health.state()));
    });
}

Result<std::optional<MonotonicTime>> TargetRegistry::drain(const std::string &name, bool force,
                                                           MonotonicTime now,
                                                           std::optional<MonotonicTime> until) {
    GLB_ASSIGN(auto *const entry, configured_target(name));
    const auto before = entry->operator_drain_until;
    if (before)
        return before;
    if (!force && is_last(*entry))
        return tl::unexpected(
            Error{fmt::format(
                      "{} is the last target of its group that accepts flows; use --force to drain it", name),
                  EBUSY});
    entry->operator_drain_until =
        until.value_or(now + groups_.at(entry->group).settings.deregistration_delay);
    apply(*entry, entry->health.set_draining(Draining::by_operator, now));
    return before;
}

Result<std::optional<MonotonicTime>> TargetRegistry::undrain(const std::string &name, MonotonicTime now) {
    GLB_ASSIGN(auto *const entry, configured_target(name));
    const auto before = entry->operator_drain_until;
    if (before) {
        entry->operator_drain_until.reset();
        apply(*entry, entry->health.set_draining(Draining::no, now));
    }
    return before;
}

} // namespace glb::health
