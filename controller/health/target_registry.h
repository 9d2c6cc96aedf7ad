// TargetRegistry: every target of the node with its health, removed targets that still drain included.
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
#include "controller/util/result.h"

namespace glb {

struct TargetEntry {
    std::string group;
    std::string name; ///< group/id
    std::uint16_t group_index = 0;
    HealthTarget target;
    TargetHealth health;
    std::optional<MonotonicTime> drain_until = {}; ///< set: removed from the configuration, and draining
    FailurePolicy on_deregistered = FailurePolicy::rehash;
    std::optional<MonotonicTime> operator_drain_until = {}; ///< set: drained by the operator; its deadline
};

/// A removed target whose drain has ended.
struct RemovedTarget {
    std::string name;
    std::uint16_t index = 0;
    std::uint64_t state = 0; ///< final: for flows that still name it
    std::uint64_t flows = 0; ///< that still name it
};

/// Called for each change of a target's state.
using OnTransition = std::function<void(const TargetEntry &, const HealthTransition &)>;

/// What the data path is to read of one group.
struct GroupStateRow {
    std::string group;
    std::uint16_t group_index = 0;
    std::vector<std::uint16_t> indexes; ///< of GroupState::targets
    GroupState state;
};

/// A value: a change is tried on a copy.
class TargetRegistry {
  public:
    using Entries = std::map<std::string, TargetEntry>;
    using HealthInput = std::function<std::optional<HealthTransition>(TargetHealth &health)>;

    explicit TargetRegistry(OnTransition on_transition) : on_transition_(std::move(on_transition)) {}
    void set_on_transition(OnTransition on_transition) { on_transition_ = std::move(on_transition); }

    /// Takes over the targets of `config`. Targets that it does not name any more drain; a drain ends where
    /// it names the target again.
    void configure(const HealthConfig &config, MonotonicTime now);

    /// A target that an earlier daemon's data path still sends to, though no manifest names it. Its drain
    /// continues as restore() has it; else it starts again, with the policy of its group where the group
    /// still exists.
    void adopt(const AdoptedTarget &adopted, MonotonicTime now);

    /// Starts an operator's drain: no new flows, and until `until` (none: the group's deregistration delay
    /// from now) for those it has. No effect where the target drains by operator already. Returns the
    /// deadline that it replaces. ENOENT where the configuration has no such target; EBUSY, unless `force`,
    /// where no other target of the group would take its flows.
    [[nodiscard]] Result<std::optional<MonotonicTime>>
    drain(const std::string &name, bool force, MonotonicTime now, std::optional<MonotonicTime> until = {});
    /// Ends it; no effect where the target does not drain by operator. Returns the deadline that it had.
    /// ENOENT as above.
    [[nodiscard]] Result<std::optional<MonotonicTime>> undrain(const std::string &name, MonotonicTime now);

    /// What an earlier daemon persisted; used when those targets appear.
    void restore(const PersistedTargets &persisted);
    [[nodiscard]] PersistedTargets persisted() const;
    /// Overrides restore() for one target: the data path of an earlier daemon has it ejected. That is more
    /// recent than what the daemon persisted.
    void restore_failure(const std::string &name, HealthReason reason);

    /// The health of targets that have failed in `other`, and not here.
    void take_failures(const TargetRegistry &other, MonotonicTime now);

    /// Ends drains of removed targets that have no live flow or whose deadline has passed. Under `hold` only
    /// the end of the flows counts.
    std::vector<RemovedTarget>
    remove_drained(const std::function<std::uint64_t(std::uint16_t index)> &live_flows, MonotonicTime now);

    /// Inputs. True where the data path's view of the group may have changed. No effect on unknown names.
    bool on_probe(const std::string &name, const ProbeResult &result, MonotonicTime now);
    bool update(const std::string &name, const HealthInput &input);
    bool on_neighbour(const std::string &name, bool resolved, MonotonicTime now);
    /// GENEVE from `sender` had a source MAC to which its address does not resolve: recorded as an error.
    void on_sender_mac(const IpAddress &sender, const MacAddress &mac);

    [[nodiscard]] bool is_initial(const std::string &name) const;
    [[nodiscard]] bool has_group(const std::string &name) const { return groups_.contains(name); }
    [[nodiscard]] std::vector<GroupStateRow> group_states(MonotonicTime now) const;
    [[nodiscard]] std::optional<GroupStateRow> group_state(const std::string &group, MonotonicTime now) const;
    [[nodiscard]] std::vector<ProbeTarget> probe_targets(const IpAddress &source) const;

    [[nodiscard]] const Entries &entries() const { return entries_; } ///< by name
    [[nodiscard]] std::ranges::subrange<Entries::const_iterator> members_of(const std::string &group) const;

  private:
    struct GroupEntry {
        HealthGroup settings; ///< without targets
        bool ever_healthy = false;
        bool configured = false; ///< else it exists only for targets that drain
    };

    void configure_target(const HealthGroup &group, const HealthTarget &target, MonotonicTime now);
    void begin_removal(TargetEntry &entry, MonotonicTime now);
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
    PersistedTargets restored_; ///< of targets that have not appeared yet
};

} // namespace glb
