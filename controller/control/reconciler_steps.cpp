// The steps of a transaction.
#include "controller/control/migrate.h"
#include "controller/control/offloads.h"
#include "controller/control/reconciler.h"
#include "controller/observe/flow_timeouts.h"
#include "controller/util/log.h"

namespace glb::control {

namespace {

/// A program that the verifier has rejected is not accepted a second later.
constexpr std::chrono::seconds load_pause{30};

std::string with_retry(const std::string &failure) {
    return fmt::format("{}; retried every {} s", failure, load_pause.count());
}

} // namespace

Status Reconciler::check_guard() {
    auto &conditions = state_.conditions;
    GLB_ASSIGN(conditions.guard, ports_.guard.check());
    const auto now = ports_.clock.now();
    if (conditions.guard_whole == MonotonicTime{})
        conditions.guard_whole = now; // the first check
    record_restored(now);
    if (conditions.guard.whole)
        conditions.guard_whole = now;
    auto found = conditions.guard.conditions;
    std::ranges::move(conditions.restored_walls.conditions(now), std::back_inserter(found));
    update_and_log(conditions.board, guard_source, found, now);
    return conditions.guard.whole;
}

/// A part may have been missing since the last check that left all in place.
void Reconciler::record_restored(MonotonicTime now) {
    auto &conditions = state_.conditions;
    const auto &repaired = conditions.guard.repaired;
    if (repaired.empty())
        return;
    const auto open = std::chrono::ceil<std::chrono::milliseconds>(now - conditions.guard_whole);
    conditions.guard_restored += repaired.size();
    conditions.restored_walls.add(repaired, open, now);
    for (const auto &line : repaired)
        spdlog::warn("guard: restored: {} (missing for at most {} ms)", line, open.count());
}

void Reconciler::serve_while_busy() {
    if (state_.installed.guard)
        (void)check_guard(); // a failure is a condition
    if (state_.datapath_is_replaced || !ports_.datapath.is_loaded())
        return;
    const auto snapshot = ports_.network.read(); // the change goes on with its own
    auto done = snapshot ? ports_.datapath.raise_route_generation() : tl::unexpected(snapshot.error());
    if (done)
        done = ports_.datapath.sync_next_hops(next_hop_rows(*snapshot, state_.installed.egress));
    if (!done)
        spdlog::error("{}", done.error().message);
}

/// install() repairs as well, but does not report what was missing: it is for plans that differ.
Status Reconciler::ensure_guard(const ChangePlan &plan) {
    if (ports_.guard.matches(plan.guard_during)) {
        GLB_TRY(check_guard());
    } else {
        GLB_TRY(ports_.guard.install(plan.guard_during));
        state_.conditions.guard_whole = ports_.clock.now();
    }
    state_.installed.guard = true;
    return {};
}

/// For a guard that is installed before the devices exist, at the next boot. A failure does not prevent a change.
Status Reconciler::store_devices(const plan::GuardPlan &guard) {
    if (const auto done = persist(ports_.state, devices_key, plan::known_devices(guard)); !done)
        spdlog::warn("guard: cannot store the devices of the endpoints: {}", done.error().message);
    return {};
}

Task<Status> Reconciler::load(const ChangePlan &plan) {
    const auto now = ports_.clock.now();
    if (load_again_ && now < *load_again_)
        co_return fail("{}", load_failure_);
    load_again_.reset();
    state_.datapath_is_replaced = true;
    const auto capacity = datapath::round_capacity(plan.manifest->node.flow_table_capacity);
    auto done = co_await worker_.run([&] { return ports_.datapath.load(capacity, state_.desired.seed); });
    state_.datapath_is_replaced = false;
    if (!done && state_.installed.found) {
        load_failure_ = with_retry(done.error().message);
        load_again_ = now + load_pause;
        co_return fail("{}", load_failure_);
    }
    GLB_CO_TRY(done);
    if (!state_.installed.found) { // ids and counters begin anew, which status tells
        const auto noted =
            co_await worker_.run([&] { return persist(ports_.state, counters_since_key, state::utc_now()); });
        if (!noted)
            spdlog::warn("{}", noted.error().message);
    }
    ++state_.configuration;
    ports_.health.attach(ports_.datapath.target_states());
    if (!plan.found_failures.empty())
        ports_.health.restore_failures(plan.found_failures);
    co_return Status{};
}

Status Reconciler::write_index_names(const ChangePlan &plan) {
    auto &names = state_.installed.index_names;
    names.resize(plan.index_names.size());
    for (std::uint32_t row = 0; row < names.size(); ++row) {
        if (names[row] == plan.index_names[row])
            continue;
        GLB_TRY(ports_.datapath.set_index_name(row, plan.index_names[row]));
        names[row] = plan.index_names[row];
    }
    return {};
}

Status Reconciler::write_maglev(const ChangePlan &plan) {
    for (const auto &write : plan.maglev)
        GLB_TRY(ports_.datapath.put_maglev(write.place, write.table->slots));
    return {};
}

Status Reconciler::stage_health(const ChangePlan &plan) {
    return plan.health_changed ? ports_.health.stage(*plan.health, plan.adopted) : Status{};
}

Status write_overrides(const std::map<std::uint16_t, std::uint64_t> &overrides, DatapathPort &datapath,
                       InstalledState &installed) {
    for (const auto &[index, flags] : overrides) {
        const auto written = installed.overrides.find(index);
        if (written != installed.overrides.end() && written->second == flags)
            continue;
        GLB_TRY(datapath.set_endpoint_override(index, flags));
        installed.overrides[index] = flags;
    }
    return {};
}

Task<Status> Reconciler::attach(const ChangePlan &plan) {
    const bool generic = plan.mode == datapath::AttachMode::generic;
    const auto attached = ports_.datapath.attached();
    for (const auto &[ifindex, interface] : plan.attach) {
        const auto link = attached.find(ifindex);
        if (link == attached.end() || link->second != plan.mode) {
            const auto &name = interface;
            const auto offloads = interfering_offloads(name, generic, ports_.network);
            if (!offloads.empty())
                GLB_CO_TRY(
                    co_await worker_.run([&] { return record_offloads(name, offloads, ports_.state); }));
            switch_off(name, offloads, ports_.network);
            state_.conditions.without_punt_path.erase(ifindex);
        }
        GLB_CO_TRY(ports_.datapath.attach(ifindex, interface, plan.mode));
    }
    const auto record = ports_.state.value(offloads_key);
    const auto left = restore_unneeded_offloads(record, state_.installed.network, attached_interfaces(),
                                                generic, ports_.network);
    if (left == record)
        co_return Status{};
    auto stored = co_await worker_.run([&] { return ports_.state.set_value(offloads_key, left); });
    co_return stored;
}

Status Reconciler::activate(const ChangePlan &plan, bool new_epoch) {
    auto &installed = state_.installed;
    if (new_epoch || !installed.bank || !is_same_bank(plan.bank, *installed.bank)) {
        GLB_TRY(ports_.datapath.activate(plan.bank, new_epoch || ports_.datapath.epoch() == 0));
        installed.bank = plan.bank;
    }
    installed.allocation = plan.allocation;
    installed.maglev_slots = plan.maglev_slots;
    installed.previous_tunnel_address = plan.previous_tunnel_address;
    return {};
}

Status Reconciler::commit_health(const ChangePlan &plan) {
    if (!plan.health_changed) {
        ports_.health.set_resolved(plan.resolved);
        return {};
    }
    GLB_TRY(ports_.health.commit(plan.health->generation, plan.resolved));
    state_.installed.health = plan.health;
    return {};
}

Task<Status> Reconciler::finish_migration(const ChangePlan &plan) {
    auto migration = ports_.datapath.migration();
    if (!migration)
        co_return Status{};
    const MigrationEnvironment environment{
        worker_,
        [this, &plan] { return observe::target_timeouts(*plan.manifest, *ports_.health.snapshot()); },
        [this] { return ports_.clock.ticks(); }, [&plan] { return plan.tunnel; },
        []() -> Task<Result<Turn::Hold>> { co_return Turn::Hold(); }}; // the command has the turn
    state_.datapath_is_replaced = true;
    auto done = co_await migrate(*migration, environment);
    state_.datapath_is_replaced = false;
    if (!done && migration->is_swapped())
        co_return fail("the flows are in the new table, but the old one cannot be removed yet: {}",
                       done.error().message);
    if (!done) {
        load_failure_ = with_retry(
            fmt::format("the data path of {} stays active: {}", migration->source(), done.error().message));
        load_again_ = ports_.clock.now() + load_pause;
        spdlog::error("{}", load_failure_);
        GLB_CO_TRY(undo_migration());
        co_return fail("{}", load_failure_);
    }
    ports_.health.attach(ports_.datapath.target_states());
    state_.installed.health.reset();
    ++state_.configuration;
    spdlog::info("{}", migration->summary());
    co_await worker_.run([&migration] { migration.reset(); }); // unmapping gigabytes takes long
    co_return Status{};
}

/// A migration that has swapped the links is only ever finished.
Status Reconciler::undo_migration() {
    const auto migration = ports_.datapath.migration();
    if (!migration || migration->is_swapped())
        return {};
    ports_.health.attach(nullptr);
    ++state_.configuration;
    return migration->undo();
}

Status Reconciler::detach(const ChangePlan &plan) {
    for (const auto ifindex : plan.detach)
        GLB_TRY(ports_.datapath.detach(ifindex));
    return write_egress(plan.egress_after);
}

Status Reconciler::write_egress(const datapath::EgressWriter::EgressRows &rows) {
    GLB_TRY(ports_.datapath.sync_egress(rows));
    state_.installed.egress = rows;
    return {};
}

Status Reconciler::remove_unused_maglev_tables() {
    auto allocation = *state_.installed.allocation;
    allocation.generations.release_dropped();
    state_.installed.allocation = std::make_shared<const plan::Allocation>(std::move(allocation));
    for (std::uint32_t place = 0; place < GLB_MAX_TABLES; ++place)
        if (!state_.installed.allocation->generations.in_use(place))
            if (const auto done = ports_.datapath.remove_maglev(place); !done)
                spdlog::warn("{}", done.error().message);
    return {};
}

} // namespace glb::control
