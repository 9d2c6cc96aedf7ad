#include "controller/control/reconciler.h"

#include "controller/util/log.h"

namespace glb::control {

std::set<unsigned> Reconciler::attached_interfaces() {
    std::set<unsigned> interfaces;
    for (const auto &[ifindex, mode] : ports_.datapath.attached())
        interfaces.insert(ifindex);
    return interfaces;
}

/// Indexes and hash seed of a running data path have to be known before any index is allocated.
Task<Status> Reconciler::find_datapath(const config::Manifest &manifest) {
    auto &desired = state_.desired;
    auto &installed = state_.installed;
    if (ports_.datapath.is_loaded()) {
        if (manifest.node.hash_seed)
            desired.seed = *manifest.node.hash_seed;
        co_return Status{};
    }
    GLB_CO_TRY(ports_.datapath.lock());
    GLB_CO_ASSIGN(installed.found,
                  ports_.datapath.inspect(datapath::round_capacity(manifest.node.flow_table_capacity)));
    const bool is_found = installed.found.has_value();
    installed.found_epoch = is_found ? installed.found->config.epoch : 0;
    installed.seed = is_found ? installed.found->seed : state::HashSeed{};
    installed.index_names = is_found ? installed.found->config.names : std::vector<std::string>{};
    installed.distrust();
    installed.health.reset();
    if (manifest.node.hash_seed) {
        desired.seed = *manifest.node.hash_seed;
        co_return Status{};
    }
    const auto running = is_found ? std::optional(installed.seed) : std::nullopt;
    GLB_CO_ASSIGN(desired.seed, co_await worker_.run([&] {
        return ports_.state.hash_seed(running, !is_found); // may create it
    }));
    co_return Status{};
}

Task<Result<ChangePlan>> Reconciler::plan(const Change &change) {
    auto &installed = state_.installed;
    if (!change.network_is_read) {
        GLB_CO_ASSIGN(installed.network, ports_.network.read());
    }
    GLB_CO_TRY(co_await find_datapath(change.manifest));
    const auto health = ports_.health.snapshot();
    const auto now = ports_.clock.now();
    std::vector<health::AdoptedTarget> adopted;
    if (installed.found)
        adopted = adopted_targets(*installed.found, change.manifest, *health);
    const auto &tunnel = change.manifest.node.tunnel;
    const auto paths = ports_.network.resolve_paths(installed.network, tunnel.interface, tunnel.address,
                                                    target_addresses(change.manifest, *health, adopted), now);
    const auto known = ports_.state.value(devices_key);
    const auto attached = attached_interfaces();
    const PlanInput input{change.manifest,
                          state_.desired.manifest.get(),
                          installed.network,
                          paths,
                          *installed.allocation,
                          installed.found,
                          adopted,
                          *health,
                          installed.health.get(),
                          state_.desired.bypasses,
                          state_.desired.seed,
                          known,
                          attached,
                          installed.previous_tunnel_address,
                          now,
                          ports_.clock.ticks()};
    auto plan = co_await worker_.run([&] { return plan_change(input); });
    co_return plan;
}

Task<Status> Reconciler::reconcile(const Change &change) {
    GLB_CO_TRY(undo_migration());
    const auto plan = co_await this->plan(change);
    if (!plan)
        co_return tl::unexpected(plan.error());
    const auto steps = transaction(*plan, change);
    auto done = co_await steps.run(worker_);
    co_return done;
}

/// The order keeps endpoint traffic blocked or inspected at every step. Guard first; rows before the bank
/// that refers to them; states of new targets before traffic can reach them; what is no longer needed last.
Transaction Reconciler::transaction(const ChangePlan &plan, const Change &change) {
    Transaction steps;
    add_preparation(steps, plan, change);
    add_configuration(steps, plan, change);
    add_cleanup(steps, plan, change);
    return steps;
}

void Reconciler::add_preparation(Transaction &steps, const ChangePlan &plan, const Change &change) {
    if (!change.is_periodic) {
        steps.add("guard.ensure", [this, &plan] { return ensure_guard(plan); });
        steps.add_blocking("state.devices", [this, &plan] { return store_devices(plan.guard_during); });
    }
    if (!ports_.datapath.is_loaded())
        steps.add_coroutine("datapath.load", [this, &plan] { return load(plan); });
    if (!change.is_periodic)
        steps.add("guard.set_magic", [this] { return ports_.guard.set_magic(ports_.datapath.punt_magic()); });
    steps.add("datapath.index_names", [this, &plan] { return write_index_names(plan); });
    steps.add("datapath.maglev", [this, &plan] { return write_maglev(plan); });
    steps.add("health.stage", [this, &plan] { return stage_health(plan); });
    steps.add("datapath.overrides",
              [this, &plan] { return write_overrides(plan.overrides, ports_.datapath, state_.installed); });
    steps.add_coroutine("datapath.attach", [this, &plan] { return attach(plan); });
    steps.add("datapath.egress", [this, &plan] { return write_egress(plan.egress_during); });
}

void Reconciler::add_configuration(Transaction &steps, const ChangePlan &plan, const Change &change) {
    if (change.commit)
        steps.add_blocking("state.commit", change.commit);
    steps.add("datapath.bank",
              [this, &plan, new_epoch = change.new_epoch] { return activate(plan, new_epoch); });
    steps.add("health.commit", [this, &plan] { return commit_health(plan); });
    steps.add("datapath.next_hops", [this, &plan] { return ports_.datapath.sync_next_hops(plan.next_hops); });
}

void Reconciler::add_cleanup(Transaction &steps, const ChangePlan &plan, const Change &change) {
    steps.add_coroutine("datapath.migrate", [this, &plan] { return finish_migration(plan); });
    if (!plan.detach.empty())
        steps.add("datapath.detach", [this, &plan] { return detach(plan); });
    if (plan.guard_during != plan.guard_after) {
        steps.add("guard.narrow", [this, &plan]() -> Status {
            GLB_TRY(ports_.guard.install(plan.guard_after));
            return ports_.guard.set_magic(ports_.datapath.punt_magic());
        });
        steps.add_blocking("state.devices", [this, &plan] { return store_devices(plan.guard_after); });
    }
    if (!change.is_periodic)
        steps.add("datapath.cleanup", [this] { return remove_unused_maglev_tables(); });
    steps.add("found.done", [this]() -> Status {
        state_.installed.found.reset();
        return {};
    });
}

} // namespace glb::control
