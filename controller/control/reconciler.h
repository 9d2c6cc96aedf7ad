// Reconciler: makes kernel and maps hold a manifest: one network snapshot, one plan, one transaction.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "controller/control/node_state.h"
#include "controller/control/ports/ports.h"
#include "controller/control/task.h"
#include "controller/control/transaction.h"
#include "controller/util/monotonic_time.h"

namespace glb::control {

struct Change {
    const config::Manifest &manifest;
    bool new_epoch = false;
    /// Persists the change. Before the data path uses it.
    Transaction::Call commit = {};
    /// InstalledState::network is recent: it is not read again.
    bool network_is_read = false;
    /// Only what follows interfaces, routes, neighbours and time.
    bool is_periodic = false;
};

/// Used by one command at a time.
class Reconciler {
  public:
    Reconciler(const Ports &ports, NodeState &state, Worker &worker)
        : ports_(ports), state_(state), worker_(worker) {}

    /// May be repeated after a failure, with the same or another manifest.
    [[nodiscard]] Task<Status> reconcile(const Change &change);

    /// Repairs the guard, and logs what was missing and what it cannot repair.
    [[nodiscard]] Status check_guard();

    [[nodiscard]] std::set<unsigned> attached_interfaces();

    /// While a command awaits the worker: guard, routes and next hops are still served.
    void serve_while_busy();

  private:
    [[nodiscard]] Task<Status> find_datapath(const config::Manifest &manifest);
    [[nodiscard]] Task<Result<ChangePlan>> plan(const Change &change);
    [[nodiscard]] Transaction transaction(const ChangePlan &plan, const Change &change);
    void add_preparation(Transaction &steps, const ChangePlan &plan, const Change &change);
    void add_configuration(Transaction &steps, const ChangePlan &plan, const Change &change);
    void add_cleanup(Transaction &steps, const ChangePlan &plan, const Change &change);

    void record_restored(MonotonicTime now);

    // The steps.
    [[nodiscard]] Status ensure_guard(const ChangePlan &plan);
    [[nodiscard]] Status store_devices(const plan::GuardPlan &guard);
    [[nodiscard]] Task<Status> load(const ChangePlan &plan);
    [[nodiscard]] Status write_index_names(const ChangePlan &plan);
    [[nodiscard]] Status write_maglev(const ChangePlan &plan);
    [[nodiscard]] Status stage_health(const ChangePlan &plan);
    [[nodiscard]] Task<Status> attach(const ChangePlan &plan);
    [[nodiscard]] Status write_egress(const datapath::EgressWriter::EgressRows &rows);
    [[nodiscard]] Status activate(const ChangePlan &plan, bool new_epoch);
    [[nodiscard]] Status commit_health(const ChangePlan &plan);
    [[nodiscard]] Task<Status> finish_migration(const ChangePlan &plan);
    [[nodiscard]] Status detach(const ChangePlan &plan);
    [[nodiscard]] Status remove_unused_maglev_tables();
    [[nodiscard]] Status undo_migration();

    const Ports &ports_;
    NodeState &state_;
    Worker &worker_;
    std::string load_failure_; ///< of an upgrade; repeated for `load_pause`
    std::optional<MonotonicTime> load_again_;
};

/// Writes the endpoint overrides that differ from the installed ones.
[[nodiscard]] Status write_overrides(const std::map<std::uint16_t, std::uint64_t> &overrides,
                                     DatapathPort &datapath, InstalledState &installed);

} // namespace glb::control
