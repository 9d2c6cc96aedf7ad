// TargetRegistry: all targets of the node with their health, including removed targets that still drain.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include "controller/health/group_policy.h"
#include "controller/health/health_config.h"
#include "controller/health/persisted.h"
#include "controller/health/probes/prober.h"
#include "controller/util/monotonic_time.h"
#include "controller/util/result.h"

namespace glb::health {

struct TargetEntry {
    std::string group;
    std::string name; ///< group/id; group/id@address:port once the id has another address
    std::uint16_t group_index = 0;
    HealthTarget target;
    TargetHealth health;
    std::optional<MonotonicTime> drain_until = {}; ///< set: removed from the configuration, and draining
    config::FailurePolicy on_deregistered = config::FailurePolicy::rehash;
    std::optional<MonotonicTime> operator_drain_until = {}; ///< set: drained by the operator; its deadline
};

/// A removed target whose drain has ended.
struct RemovedTarget {
    std::string name;
    std::uint16_t index = 0;
    std::uint64_t state = 0; ///< final: for flows that still refer to it
    std::uint64_t flows = 0; ///< that still refer to it
};

/// Called for each change of a target's state.
using OnTransition = std::function<void(const TargetEntry &, const HealthTransition &)>;

/// The target states and the group action of one group, as they are written to the maps.
struct GroupStateRow {
    std::string group;
    std::uint16_t group_index = 0;
    std::vector<std::uint16_t> indexes; ///< of GroupState::targets
    GroupState state;
};

/// A value: a change of configuration is computed on a copy.
class TargetRegistry {
  public:
    using Entries = std::map<std::string, TargetEntry>;
    using HealthInput = std::function<std::optional<HealthTransition>(TargetHealth &health)>;

    explicit TargetRegistry(OnTransition on_transition) : on_transition_(std::move(on_transition)) {}
    void set_on_transition(OnTransition on_transition) { on_transition_ = std::move(on_transition); }

    /// Replaces the configuration. Targets that it no longer names start to drain, also where it names their id with
    /// another address or port; a drain ends if it names the target again.
    void configure(const HealthConfig &config, MonotonicTime now);

    /// Adds a target that is not configured, but receives flows from the data path of an earlier daemon. Its
    /// drain has the deadline and policy of restore(), else the default delay and the policy of its group
    /// if the group is configured. No effect if the registry has the target.
    void adopt(const AdoptedTarget &adopted, MonotonicTime now);

    /// Starts an operator's drain: the target accepts no new flows and keeps its own until `until` (default:
    /// the group's deregistration delay from now). Returns the deadline of the drain that was active before,
    /// which then continues unchanged. ENOENT if the target is not configured; EBUSY, unless `force`,
    /// if no other target of the group would accept its flows.
    [[nodiscard]] Result<std::optional<MonotonicTime>>
    drain(const std::string &name, bool force, MonotonicTime now, std::optional<MonotonicTime> until = {});
    /// Ends an operator's drain and returns its deadline; none if there was no drain. ENOENT as above.
    [[nodiscard]] Result<std::optional<MonotonicTime>> undrain(const std::string &name, MonotonicTime now);

    /// State of an earlier daemon. Applied to each target when it is configured or adopted.
    void restore(const PersistedTargets &persisted);
    [[nodiscard]] PersistedTargets persisted() const;
    /// Overrides restore() for one target that was alive: the data path of the earlier daemon has it ejected,
    /// which is more recent than the persisted state.
    void restore_failure(const std::string &name, HealthReason reason);

    /// Takes over the health of targets that have failed in `other`, but not here.
    void merge_failures(const TargetRegistry &other, MonotonicTime now);

    /// Ends drains of removed targets that have no live flows or whose deadline has passed. Under `hold` the
    /// deadline does not end them.
    std::vector<RemovedTarget>
    remove_drained(const std::function<std::uint64_t(std::uint16_t index)> &live_flows, MonotonicTime now);

    /// Inputs. True if the group's target states may have changed. No effect on unknown names.
    bool on_probe(const std::string &name, const ProbeResult &result, MonotonicTime now);
    bool update(const std::string &name, const HealthInput &input);
    bool on_neighbour(const std::string &name, bool resolved, MonotonicTime now);
    /// GENEVE from `sender` had a source MAC to which its address does not resolve: recorded as an error.
    void on_sender_mac(const IpAddress &sender, const MacAddress &mac, MonotonicTime now);

    [[nodiscard]] bool is_initial(const std::string &name) const;
    [[nodiscard]] std::vector<GroupStateRow> group_states(MonotonicTime now) const;
    [[nodiscard]] std::optional<GroupStateRow> group_state(const std::string &group, MonotonicTime now) const;
    [[nodiscard]] std::vector<ProbeTarget> probe_targets(const IpAddress &source) const;

    [[nodiscard]] const Entries &entries() const { return entries_; } ///< by name
    [[nodiscard]] std::ranges::subrange<Entries::const_iterator> members_of(const std::string &group) const;

  private:
    struct GroupEntry {
        HealthGroup settings; ///< without targets
        bool ever_healthy = false;
        bool configured = false; ///< false: it exists only for targets that drain
    };

    void configure_target(const HealthGroup &group, const HealthTarget &target, bool check_changed,
                          MonotonicTime now);
    void begin_removal(TargetEntry &entry, MonotonicTime now);
    std::optional<MonotonicTime> displace(const HealthGroup &group, const HealthTarget &target,
                                          MonotonicTime now);
    [[nodiscard]] Result<TargetEntry *> configured_target(const std::string &name);
    [[nodiscard]] bool is_last(const TargetEntry &entry) const;
    [[nodiscard]] GroupStateRow row_of(const std::string &name, const GroupEntry &group,
                                       MonotonicTime now) const;
    [[nodiscard]] TargetInput input_of(const TargetEntry &entry, const GroupEntry &group,
                                       MonotonicTime now) const;
    void erase_empty_groups();
    bool apply(TargetEntry &entry, const std::optional<HealthTransition> &transition);

    OnTransition on_transition_;
    Entries entries_;
    std::map<std::string, GroupEntry> groups_;
    PersistedTargets restored_; ///< of targets that are not in the registry yet
};

} // namespace glb::health
