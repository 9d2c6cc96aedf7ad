// Fleet: every target of the node with its health, those that drain after their removal too.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/config/manifest.h"
#include "controller/health/prober.h"
#include "controller/health/target_health.h"
#include "controller/node/indexes.h"
#include "controller/node/words.h"

namespace glb {

struct FleetMember {
    std::string group;
    std::string name; ///< group/id
    std::uint16_t index = 0;
    std::uint16_t group_index = 0;
    Target target;
    TargetHealth health;
    std::optional<MonotonicTime> drain_until; ///< set: removed from the manifest, and draining
    FailurePolicy on_deregistered = FailurePolicy::rehash;
};

/// Told of each change of a target's state.
using OnTransition = std::function<void(const FleetMember &, const HealthTransition &)>;

/// What the data path is to be told of one group.
struct FleetWords {
    std::uint16_t group_index = 0;
    std::vector<std::uint16_t> indexes; ///< of GroupWords::targets
    GroupWords words;
};

class Fleet {
  public:
    explicit Fleet(OnTransition on_transition) : on_transition_(std::move(on_transition)) {}

    /// Takes over the manifest's targets. Those that are gone drain; one that comes back stops draining.
    /// Every group and target must have its index in `book`.
    void set_manifest(const Manifest &manifest, const IndexBook &book, MonotonicTime now);

    /// A target that an earlier daemon's data path still holds, though no manifest names it: it drains anew,
    /// by the policy of its group where that is still there.
    void adopt_removed(FleetMember member);

    /// States that an earlier daemon knew; used for targets that are not there yet.
    void set_known(const nlohmann::json &known);
    [[nodiscard]] nlohmann::json known() const;

    /// True where the target's state has changed, and so perhaps its group's words.
    bool on_probe(const std::string &name, const ProbeResult &result, MonotonicTime now);
    void on_neighbour(const std::string &name, bool resolved, MonotonicTime now);

    /// Ends the drain of removed targets that have no live flow or whose time is over; their names. Under
    /// `hold` the flows' end alone decides.
    std::vector<std::string> finish_drains(const std::function<std::uint64_t(std::uint16_t index)> &live_flows,
                                           MonotonicTime now);

    [[nodiscard]] bool has_group(const std::string &name) const { return groups_.contains(name); }
    [[nodiscard]] std::vector<FleetWords> words(MonotonicTime now) const;
    [[nodiscard]] std::vector<ProbeTarget> probe_targets(const IpAddress &source) const;

    /// In the order of their names.
    [[nodiscard]] const std::map<std::string, FleetMember> &members() const { return members_; }

  private:
    struct GroupState {
        std::uint16_t index = 0;
        FailurePolicy on_unhealthy = FailurePolicy::rehash;
        FailurePolicy on_deregistered = FailurePolicy::rehash;
        AllUnhealthyPolicy on_all_unhealthy = AllUnhealthyPolicy::spread;
        HealthCheck check;
        bool ever_healthy = false;
        bool wanted = false; ///< the manifest has it; else it stays for the targets that drain
    };

    void set_target(const TargetGroup &group, const Target &target, bool in_use, const IndexBook &book,
                    MonotonicTime now);
    void forget_empty_groups();
    void tell(const FleetMember &member, const std::optional<HealthTransition> &transition);

    OnTransition on_transition_;
    std::map<std::string, FleetMember> members_;
    std::map<std::string, GroupState> groups_;
    std::map<std::string, KnownHealth> known_;
};

} // namespace glb
