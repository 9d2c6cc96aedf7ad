// TargetRegistry: every target of the node with its health, those that drain after their removal too.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/config/manifest.h"
#include "controller/health/group_policy.h"
#include "controller/health/probes/prober.h"
#include "controller/health/target_health.h"
#include "controller/plan/index_allocator.h"
#include "controller/util/result.h"

namespace glb {

struct TargetEntry {
    std::string group;
    std::string name; ///< group/id
    std::uint16_t index = 0;
    std::uint16_t group_index = 0;
    Target target;
    TargetHealth health;
    std::optional<MonotonicTime> drain_until; ///< set: removed from the manifest, and draining
    FailurePolicy on_deregistered = FailurePolicy::rehash;
    std::optional<MonotonicTime> ordered_until =
        {}; ///< set: drained by the operator; when its flows' time is over
};

/// A target that has left for good.
struct RemovedTarget {
    std::string name;
    std::uint64_t word = 0; ///< what becomes of flows that still name it
};

/// Told of each change of a target's state.
using OnTransition = std::function<void(const TargetEntry &, const HealthTransition &)>;

/// What the data path is to be told of one group.
struct GroupStateRow {
    std::uint16_t group_index = 0;
    std::vector<std::uint16_t> indexes; ///< of GroupWords::targets
    GroupWords words;
};

class TargetRegistry {
  public:
    explicit TargetRegistry(OnTransition on_transition) : on_transition_(std::move(on_transition)) {}

    /// Takes over the manifest's targets. Those that are gone drain; one that comes back stops draining.
    /// Every group and target must have its index in `book`.
    void set_manifest(const Manifest &manifest, const IndexAllocator &book, MonotonicTime now);

    /// As it was `before` a change that failed, but for targets that have failed since then: they stay so.
    void restore_from(TargetRegistry before, MonotonicTime now);

    /// A target that an earlier daemon's data path still holds, though no manifest names it: its drain goes
    /// on as set_drains() remembers it; else anew, by the policy of its group where that is still there.
    void adopt_removed(TargetEntry member);

    /// An operator's drain: no new flows from now on, and those it has get the deregistration delay. A second
    /// order changes nothing. ENOENT where the manifest has no such target; EBUSY where nobody else of the
    /// group would take its flows, unless `force`.
    [[nodiscard]] Status drain(const std::string &name, bool force, MonotonicTime now);
    /// Ends it. ENOENT where there is no such target; nothing happens where it does not drain by order.
    [[nodiscard]] Status undrain(const std::string &name, MonotonicTime now);
    [[nodiscard]] std::vector<std::string> operator_drains() const; ///< names

    /// All drains under way, with their ends, for a later daemon; and what an earlier one wrote, used when
    /// those targets appear.
    [[nodiscard]] nlohmann::json drains() const;
    void set_drains(const nlohmann::json &drains);

    /// States that an earlier daemon knew; used for targets that are not there yet.
    void load_persisted(const nlohmann::json &known);
    [[nodiscard]] nlohmann::json known() const;
    /// An earlier daemon took the target out, and ended before it could write so: the data path knows.
    void restore_failure(const std::string &name, HealthReason reason);

    /// True where the target's state has changed, and so perhaps its group's words.
    bool on_probe(const std::string &name, const ProbeResult &result, MonotonicTime now);
    void on_neighbour(const std::string &name, bool resolved, MonotonicTime now);
    /// GENEVE of this sender came from a MAC to which its address does not resolve.
    void on_sender_mac(const IpAddress &sender, const MacAddress &mac);

    /// Ends the drain of removed targets that have no live flow or whose time is over. Under `hold` the
    /// flows' end alone decides.
    std::vector<RemovedTarget>
    remove_drained_targets(const std::function<std::uint64_t(std::uint16_t index)> &live_flows,
                           MonotonicTime now);

    /// Lets `input` tell the target's health something. True where its state has changed, or a trial begun or
    /// ended.
    bool update_health(const std::string &name,
                       const std::function<std::optional<HealthTransition>(TargetHealth &health)> &input);

    [[nodiscard]] bool is_initial(const std::string &name) const;
    [[nodiscard]] bool has_group(const std::string &name) const { return groups_.contains(name); }
    [[nodiscard]] std::vector<GroupStateRow> group_states(MonotonicTime now) const;
    [[nodiscard]] std::vector<ProbeTarget> probe_targets(const IpAddress &source) const;

    /// In the order of their names.
    using Members = std::map<std::string, TargetEntry>;
    [[nodiscard]] const Members &members() const { return members_; }
    [[nodiscard]] std::ranges::subrange<Members::const_iterator> members_of(const std::string &group) const;

  private:
    struct GroupState {
        std::uint16_t index = 0;
        FailurePolicy on_unhealthy = FailurePolicy::rehash;
        FailurePolicy on_deregistered = FailurePolicy::rehash;
        std::chrono::seconds delay{300};
        AllUnhealthyPolicy on_all_unhealthy = AllUnhealthyPolicy::spread;
        HealthCheck check;
        bool ever_healthy = false;
        bool wanted = false; ///< the manifest has it; else it stays for the targets that drain
    };

    void set_target(const TargetGroup &group, const Target &target, bool in_use, const IndexAllocator &book,
                    MonotonicTime now);
    void begin_removal(TargetEntry &member, MonotonicTime now);
    [[nodiscard]] bool is_last(const TargetEntry &member) const;
    [[nodiscard]] TargetInput word_member(const TargetEntry &member, const GroupState &group,
                                          MonotonicTime now) const;
    void forget_empty_groups();
    void log_transition(const TargetEntry &member, const std::optional<HealthTransition> &transition);

    OnTransition on_transition_;
    Members members_;
    std::map<std::string, GroupState> groups_;
    std::map<std::string, PersistedHealth> known_;
    struct KnownDrain {
        MonotonicTime until;
        FailurePolicy policy = FailurePolicy::rehash;
    };
    std::map<std::string, KnownDrain> known_removed_;
    std::map<std::string, MonotonicTime> known_ordered_;
};

} // namespace glb
