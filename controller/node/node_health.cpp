// LocalNode: its side of the health engine. Everything here runs on the node's loop.
#include <algorithm>

#include <boost/asio/post.hpp>

#include "controller/control/health_config.h"
#include "controller/control/persisted_targets.h"
#include "controller/node/node.h"
#include "controller/node/target_state_adapter.h"
#include "controller/util/log.h"

namespace glb {

namespace {

using Kind = IndexAllocator::Kind;

/// Targets of `manifest` and removed ones that still drain: `live` is of the configuration before.
std::vector<PlannedTarget> planned_targets(const HealthConfig &config, const HealthSnapshot &live,
                                           const std::vector<AdoptedTarget> &adopted) {
    std::map<std::string, PlannedTarget> targets;
    for (const auto &target : adopted)
        targets[target_name(target.group, target.target.id)] = {target.target.index, target.group_index,
                                                                target.target.address, target.target.port};
    for (const auto &target : live.targets)
        targets[target.name] = {target.target.index, target.group_index, target.target.address,
                                target.target.port};
    for (const auto &group : config.groups)
        for (const auto &target : group.targets)
            targets[target_name(group.name, target.id)] = {target.index, group.index, target.address,
                                                           target.port};
    std::vector<PlannedTarget> rows;
    for (const auto &[name, target] : targets)
        rows.push_back(target);
    return rows;
}

} // namespace

/// From any thread. Tasks that arrive after stop() are dropped.
void LocalNode::on_node_loop(std::function<void()> task) {
    boost::asio::post(loop_, [this, task = std::move(task)] {
        if (!stopped_)
            task();
    });
}

/// The engine must not use a program while it is replaced.
void LocalNode::detach_health() {
    committed_health_.reset(); // other maps may follow, in which nothing is written
    health_.run([this] { engine_->attach(nullptr); });
}

void LocalNode::attach_health() {
    health_.run([this] {
        engine_->attach(program_ ? std::make_shared<TargetStateAdapter>(program_->handles) : nullptr);
    });
}

std::shared_ptr<const HealthSnapshot> LocalNode::health() const {
    return engine_->snapshot();
}

/// A configuration that is live already is not staged again, but for targets whose path was resolved since.
Status LocalNode::stage_health(const Manifest &manifest) {
    const auto live = health();
    health_config_ = health_config(manifest, book_, live->generation + 1);
    adopted_ = adopted_targets();
    planned_targets_ = planned_targets(health_config_, *live, adopted_);
    health_staged_ = adopted_.size() != 0 || !committed_health_ ||
                     committed_health_->groups != health_config_.groups ||
                     committed_health_->probe_source != health_config_.probe_source;
    if (!health_staged_)
        return {};
    return health_.run([&] { return engine_->stage(health_config_, adopted_); });
}

Status LocalNode::commit_health() {
    std::set<std::uint16_t> resolved;
    for (const auto &target : planned_targets_)
        if (written_.bank && target.index < written_.bank->targets.size() &&
            written_.bank->targets[target.index].flags & GLB_TARGET_RESOLVED)
            resolved.insert(target.index);
    if (!health_staged_) {
        health_.run([&] { engine_->set_resolved(resolved); });
        return {};
    }
    GLB_TRY(health_.run([&] { return engine_->commit(health_config_.generation, resolved); }));
    committed_health_ = health_config_;
    health_staged_ = false;
    return {};
}

void LocalNode::abort_health() {
    health_.run([&] { engine_->abort(health_config_.generation); });
    health_staged_ = false;
}

void LocalNode::on_health_event(const HealthEvent &event) {
    if (!paths_)
        return;
    if (const auto *missing = std::get_if<NextHopMissing>(&event))
        paths_->resolve(missing->ifindex, missing->address);
    else if (const auto *mismatch = std::get_if<SenderMacMismatch>(&event)) {
        if (paths_->force_resolve(mismatch->sender, Clock::now()))
            on_network_change();
    } else if (const auto *driver = std::get_if<DriverLacksMetadata>(&event))
        on_driver_lacks_metadata(driver->ifindex);
    else if (const auto *unanswered = std::get_if<TargetUnanswered>(&event))
        paths_->revalidate(unanswered->address, Clock::now());
    else if (std::holds_alternative<TargetPathWanted>(event))
        refresh();
    else if (const auto *removed = std::get_if<TargetsRemoved>(&event))
        on_targets_removed(*removed);
}

void LocalNode::on_targets_removed(const TargetsRemoved &removed) {
    for (const auto &target : removed.targets)
        book_.retire(Kind::target, target.name);
    if (manifest_)
        refresh();
}

/// Persists what the engine knows of its targets, where it has changed.
void LocalNode::persist_health() {
    const auto live = health();
    auto known = health_to_json(live->persisted);
    if (known != store_.value("health"))
        if (const auto done = store_.set_value("health", std::move(known)); !done)
            spdlog::warn("{}", done.error().message);
    if (const auto done = persist_drains(); !done)
        spdlog::warn("{}", done.error().message);
}

Status LocalNode::persist_drains() {
    auto drains = drains_to_json(health()->persisted);
    return drains == store_.value("drains") ? Status{} : store_.set_value("drains", std::move(drains));
}

} // namespace glb
