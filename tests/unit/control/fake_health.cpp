#include "tests/unit/control/fake_ports.h"

#include <algorithm>

namespace glb::test {

namespace {

using namespace health;

constexpr std::uint64_t up = GLB_TARGET_ACCEPT_NEW | GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC;

bool has_index(const HealthSnapshot &snapshot, std::uint16_t index) {
    return std::ranges::any_of(snapshot.targets,
                               [&](const TargetSnapshot &row) { return row.target.index == index; });
}

} // namespace

Status FakeHealth::write(const HealthTarget &target, const std::string &name) {
    return states_->set_target_state(target.index, failed_.contains(name) ? 0 : up);
}

void FakeHealth::restore_failures(const std::map<std::string, HealthReason> &failures) {
    for (const auto &[name, reason] : failures)
        failed_.insert(name);
}

Status FakeHealth::stage(const HealthConfig &config, const std::vector<AdoptedTarget> &adopted) {
    staged_.reset();
    previous_.reset();
    for (const auto &group : config.groups)
        for (const auto &target : group.targets)
            if (!has_index(*snapshot_, target.index))
                GLB_TRY(write(target, plan::target_name(group.name, target.id)));
    staged_ = Configuration{config, adopted};
    return {};
}

Status FakeHealth::commit(std::uint64_t generation, const std::set<std::uint16_t> &) {
    if (!staged_ || staged_->config.generation != generation)
        return fail("generation {} is not staged", generation);
    for (const auto &group : staged_->config.groups)
        for (const auto &target : group.targets)
            GLB_TRY(write(target, plan::target_name(group.name, target.id)));
    previous_ = active_;
    active_ = *staged_;
    staged_.reset();
    const auto before = snapshot_;
    publish();
    if (drains_removed_)
        for (auto target : before->targets) {
            if (has_index(*snapshot_, target.target.index))
                continue;
            if (snapshot_->find(target.name)) // its id has another address now
                target.name =
                    plan::displaced_name(target.group, target.target.id,
                                         plan::address_text(target.target.address, target.target.port));
            target.drain_until = MonotonicTime::max();
            removed_.insert_or_assign(target.name, target);
        }
    publish();
    return {};
}

void FakeHealth::abandon(std::uint64_t generation) {
    if (staged_ && staged_->config.generation == generation)
        staged_.reset();
    if (previous_ && active_.config.generation == generation) {
        active_ = *previous_;
        previous_.reset();
        publish();
    }
}

void FakeHealth::reset() {
    active_ = {};
    staged_.reset();
    previous_.reset();
    failed_.clear();
    persisted_ = {};
    removed_.clear();
    publish();
}

void FakeHealth::end_drain(const std::string &target) {
    removed_.erase(target);
    publish();
}

Result<std::optional<MonotonicTime>> FakeHealth::drain(const std::string &target, bool,
                                                       std::optional<MonotonicTime> until) {
    if (!snapshot_->find(target))
        return tl::unexpected(Error{"there is no target " + target, ENOENT});
    auto &drains = persisted_.operator_drains;
    const auto found = drains.find(target);
    const auto before = found == drains.end() ? std::nullopt : std::optional(found->second);
    drains[target] = until.value_or(world_.now + std::chrono::seconds(300));
    publish();
    return before;
}

Result<std::optional<MonotonicTime>> FakeHealth::undrain(const std::string &target) {
    auto &drains = persisted_.operator_drains;
    const auto found = drains.find(target);
    const auto before = found == drains.end() ? std::nullopt : std::optional(found->second);
    drains.erase(target);
    publish();
    return before;
}

void FakeHealth::verdict(const std::string &name, bool healthy) {
    const auto *target = snapshot_->find(name);
    if (!target)
        return;
    if (healthy)
        failed_.erase(name);
    else
        failed_.insert(name);
    if (states_)
        (void)write(target->target, name);
    publish();
}

void FakeHealth::publish() {
    auto snapshot = std::make_shared<HealthSnapshot>();
    snapshot->generation = active_.config.generation;
    snapshot->write_error = write_error_;
    snapshot->persisted = persisted_;
    for (const auto &group : active_.config.groups)
        for (const auto &target : group.targets) {
            TargetSnapshot row;
            row.group = group.name;
            row.name = plan::target_name(group.name, target.id);
            row.target = target;
            row.group_index = group.index;
            row.state = failed_.contains(row.name) ? TargetState::unhealthy : TargetState::healthy;
            if (const auto drain = persisted_.operator_drains.find(row.name);
                drain != persisted_.operator_drains.end())
                row.operator_drain_until = drain->second;
            snapshot->targets.push_back(row);
        }
    std::erase_if(removed_, [&](const auto &row) { return has_index(*snapshot, row.second.target.index); });
    for (const auto &[name, row] : removed_)
        if (std::ranges::find(snapshot->targets, name, &TargetSnapshot::name) == snapshot->targets.end())
            snapshot->targets.push_back(row);
    std::ranges::sort(snapshot->targets, {}, &TargetSnapshot::name);
    snapshot_ = std::move(snapshot);
}

} // namespace glb::test
