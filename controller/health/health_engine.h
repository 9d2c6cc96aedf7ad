// HealthEngine: the only owner of target health and of the target-state maps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/health/datapath_events.h"
#include "controller/health/datapath_port.h"
#include "controller/health/group_condition_log.h"
#include "controller/health/health_event.h"
#include "controller/health/health_snapshot.h"
#include "controller/health/local_error_log.h"
#include "controller/health/passive_monitor.h"
#include "controller/health/probes/prober.h"
#include "controller/health/target_registry.h"
#include "controller/health/target_state_shadow.h"
#include "controller/util/monotonic_time.h"
#include "controller/util/published.h"

namespace glb::health {

/// A change of configuration is staged, then committed or aborted; `generation` identifies it. Meanwhile the
/// live registry is updated as before, so verdicts that arrive between the two need no merging. A commit can be
/// reverted until the next stage(); failures of targets since then are kept.
///
/// All calls except snapshot() on the thread that runs `loop`. No call blocks.
class HealthEngine final : private PassiveMonitorHost {
  public:
    using OnEvent = std::function<void(HealthEvent)>;

    /// `loop` must outlive the engine, and must not run after its destruction. `on_event` is called on the
    /// loop; it must not block, nor call the engine.
    HealthEngine(boost::asio::io_context &loop, OnEvent on_event);
    ~HealthEngine();

    /// The loaded maps; null: none. All rows count as never written: stage(), commit() and the periodic
    /// refresh write them again.
    void attach(std::shared_ptr<TargetStatePort> datapath);

    /// State of an earlier daemon. Before the first stage().
    void restore(const PersistedTargets &persisted);
    /// Targets that the data path of an earlier daemon has ejected, by name. After restore(), before the
    /// first stage().
    void restore_failures(const std::map<std::string, HealthReason> &failures);

    /// Writes the rows of targets and groups that are not in use yet. `adopted` are added to the registry by
    /// commit(). Replaces a configuration that was staged before. On failure nothing is staged.
    [[nodiscard]] Status stage(HealthConfig config, std::vector<AdoptedTarget> adopted = {});
    /// Activates the staged configuration and writes all rows that differ. `resolved`: indexes of targets to
    /// which the data path has a path. On failure the previous configuration remains active, its rows are
    /// restored, and the change remains staged.
    [[nodiscard]] Status commit(std::uint64_t generation, const std::set<std::uint16_t> &resolved);
    /// Discards the staged configuration; no effect if `generation` is not staged.
    void abort(std::uint64_t generation);
    /// Takes back the commit of `generation`: the previous configuration is active again, and failures since
    /// then are kept. No effect after the next stage().
    void revert(std::uint64_t generation);
    /// Replaces the indexes of targets to which the data path has a path, without a change of configuration.
    void set_resolved(const std::set<std::uint16_t> &resolved);
    /// Removes all targets, probes and restored state. Maps are not written. For take-down.
    void reset();

    /// See TargetRegistry::drain() and undrain().
    [[nodiscard]] Result<std::optional<MonotonicTime>> drain(const std::string &name, bool force,
                                                             std::optional<MonotonicTime> until = {});
    [[nodiscard]] Result<std::optional<MonotonicTime>> undrain(const std::string &name);

    /// Live flows by target index, from a scan of the flow table. Ends drains of removed targets, except
    /// while a change is staged: it may name these targets again.
    void on_flow_counts(const std::vector<std::uint64_t> &by_target);
    /// Whether the next hop of each target can be resolved, by name.
    void on_neighbours(const std::map<std::string, bool> &resolved);

    /// On any thread.
    [[nodiscard]] std::shared_ptr<const HealthSnapshot> snapshot() const;

  private:
    using Clock = std::chrono::steady_clock;
    struct Committed {
        TargetRegistry registry;
        HealthConfig config;
    };
    struct Conditions {
        GroupConditionLog groups;
        LocalErrorLog local_errors;
        ReturnWatch returns;
    };
    struct Staged {
        HealthConfig config;
        std::vector<AdoptedTarget> adopted;
    };

    // PassiveMonitorHost
    void poll_events() override;
    std::optional<glb_target_count> target_count(std::uint16_t target) override;
    void on_group_changed(const std::string &group) override;
    void on_probe(const std::string &name, const ProbeResult &result) override;

    [[nodiscard]] TargetRegistry staged_registry(OnTransition on_transition) const;
    void on_event(const glb_event &event);
    void apply_probe_result(const std::string &name, const ProbeResult &result);
    void apply_held_results();
    void start_checks();
    void refresh(std::span<const GroupStateRow> rows, const std::string &logged_error);
    void refresh_all();
    void publish();
    void publish_soon();
    void schedule_tick();

    OnEvent on_event_;
    TargetRegistry registry_;
    HealthConfig config_; ///< active
    std::optional<Staged> staged_;
    std::optional<Committed> previous_; ///< before the last commit
    std::shared_ptr<TargetStatePort> datapath_;
    TargetStateShadow shadow_;
    std::string write_error_;
    std::set<std::uint16_t> resolved_;
    std::map<std::string, ProbeResult> held_results_; ///< of initial targets without a path
    Conditions conditions_;
    Prober prober_;
    PassiveMonitor passive_;
    DatapathEvents events_;
    boost::asio::steady_timer tick_timer_, publish_timer_;
    bool publish_pending_ = false;
    std::map<std::string, GroupAction> actions_; ///< as last written
    Published<HealthSnapshot> snapshot_;
};

} // namespace glb::health
