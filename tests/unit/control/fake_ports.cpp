#include "tests/unit/control/fake_ports.h"

#include <algorithm>
#include <iterator>

namespace glb::test {

Result<network::Snapshot> FakeNetwork::read() {
    ++reads;
    GLB_TRY(world_.operation("network.read"));
    return world_.network;
}

std::map<IpAddress, network::ResolvedPath> FakeNetwork::resolve_paths(const network::Snapshot &snapshot,
                                                                      const InterfaceRef &, const IpAddress &,
                                                                      const std::set<IpAddress> &targets,
                                                                      MonotonicTime) {
    std::map<IpAddress, network::ResolvedPath> paths;
    for (const auto &target : targets) {
        auto &path = paths[target];
        if (const auto *neighbour = snapshot.neighbour(2, target)) {
            path.path = network::Path{2, snapshot.link(2u)->mac, neighbour->mac, {}, 1600};
            path.on_link = true;
        }
    }
    return paths;
}

bool FakeNetwork::force_resolve(const IpAddress &target, MonotonicTime) {
    forced.push_back(target);
    return true;
}

Result<bool> FakeNetwork::offload(const std::string &interface, network::OffloadFeature feature) {
    return world_.offloads[interface].contains(feature);
}

Status FakeNetwork::set_offload(const std::string &interface, network::OffloadFeature feature, bool on) {
    GLB_TRY(world_.operation("network.set_offload"));
    if (on)
        world_.offloads[interface].insert(feature);
    else
        world_.offloads[interface].erase(feature);
    return {};
}

Status FakeGuard::install(const plan::GuardPlan &plan) {
    GLB_TRY(check_owner());
    plan_.reset();
    GLB_TRY(world_.operation("guard.install"));
    world_.guard = plan_ = plan;
    return {};
}

Status FakeGuard::set_magic(std::uint32_t) {
    return world_.operation("guard.set_magic");
}

Result<control::GuardCheck> FakeGuard::check() {
    ++checks;
    GLB_TRY(world_.operation("guard.check"));
    if (plan_)
        world_.guard = plan_;
    return control::GuardCheck{};
}

std::vector<Condition> FakeGuard::missing_forwarding(const std::set<std::string> &devices) const {
    std::vector<Condition> conditions;
    for (const auto &device : devices)
        if (world_.not_forwarding.contains(device))
            conditions.push_back({Severity::warning, "forwarding-off", device, "forwarding is off", ""});
    return conditions;
}

Status FakeGuard::check_owner() {
    if (world_.guard_of_other)
        return tl::unexpected(Error{"the guard belongs to " + *world_.guard_of_other, EBUSY});
    return {};
}

Result<bool> FakeGuard::restore(const std::vector<std::string> &known_devices, bool anew) {
    GLB_TRY(check_owner());
    if (world_.guard && (!anew || known_devices.empty()))
        return true;
    if (known_devices.empty())
        return false;
    plan::GuardPlan plan;
    for (const auto &device : known_devices) {
        plan::GuardedPort port;
        port.interface = device;
        port.devices = {device};
        port.endpoint = 0;
        plan.ports.push_back(std::move(port));
    }
    GLB_TRY(install(plan));
    return true;
}

Result<std::optional<std::string>> FakeGuard::collect(bool dry_run) {
    auto owner = world_.guard_of_other;
    if (!dry_run)
        world_.guard_of_other.reset();
    return owner;
}

Status FakeGuard::remove() {
    if (!check_owner())
        return {};
    GLB_TRY(world_.operation("guard.remove"));
    world_.guard.reset();
    plan_.reset();
    return {};
}

Status FakeState::save_manifest(const std::string &text) {
    GLB_TRY(world_.operation("state.save_manifest"));
    world_.manifest = text;
    return {};
}

Status FakeState::remove_manifest() {
    GLB_TRY(world_.operation("state.remove_manifest"));
    world_.manifest.reset();
    return {};
}

Result<state::HashSeed> FakeState::hash_seed(const std::optional<state::HashSeed> &running, bool may_create) {
    if (!world_.seed && !running && !may_create)
        return fail("the seed is lost");
    if (!world_.seed)
        world_.seed = running.value_or(state::HashSeed(16, 1));
    return *world_.seed;
}

Status FakeState::persist_hash_seed(const state::HashSeed &seed) {
    GLB_TRY(world_.operation("state.persist_hash_seed"));
    world_.seed = seed;
    return {};
}

nlohmann::json FakeState::value(const std::string &key) const {
    const std::lock_guard lock(mutex_);
    return world_.values.value(key, nlohmann::json());
}

Status FakeState::set_value(const std::string &key, nlohmann::json value) {
    GLB_TRY(world_.operation("state.set_value " + key));
    const std::lock_guard lock(mutex_);
    if (value.is_null())
        world_.values.erase(key);
    else
        world_.values[key] = std::move(value);
    return {};
}

Status FakeState::add_history(const state::HistoryEntry &entry) {
    if (!world_.history.empty() && world_.history.front().manifest == entry.manifest)
        return {};
    GLB_TRY(world_.operation("state.add_history"));
    world_.history.insert(world_.history.begin(), entry);
    return {};
}

} // namespace glb::test
