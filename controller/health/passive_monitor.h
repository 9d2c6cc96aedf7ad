// PassiveMonitor: health from the traffic and through the targets. Feeds the judge of each group with what
// the data path counts, sends in-band probes, and tells the fleet.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "abi/config.h"
#include "controller/config/manifest.h"
#include "controller/health/outlier_detector.h"
#include "controller/health/probes/in_band_prober.h"
#include "controller/health/probes/probe_settings.h"
#include "controller/health/target_registry.h"

namespace glb {

/// What the watch needs of the node. All are called on the loop, with the lock held.
struct PassiveHooks {
    std::function<void()> drain_events; ///< answers that wait in the ring buffer count before silence does
    std::function<std::optional<glb_target_count>(std::uint16_t index)>
        count;                         ///< none while there is no program
    std::function<void()> write_words; ///< the fleet has changed: the data path is to know it now
    std::function<void(const std::string &key, const ProbeResult &result)> on_probe; ///< of checks by GENEVE
};

/// One for a node. It polls every 5 ms while a group has `passive`, and does nothing where none has. All
/// calls on the loop's thread, on which it takes the lock where it looks at the fleet.
class PassiveMonitor {
  public:
    /// `loop`, `fleet` and `lock`, which guards the fleet, must outlive it.
    PassiveMonitor(boost::asio::io_context &loop, TargetRegistry &fleet, std::recursive_mutex &lock,
                   PassiveHooks hooks);

    /// Takes over groups and settings of the manifest that the fleet holds by now. What is known of targets
    /// stays.
    void set_manifest(const Manifest &manifest);
    /// GLB_EVENT_IN_BAND.
    void on_event(const glb_event &event);
    void stop();

  private:
    using Clock = std::chrono::steady_clock;
    struct Group {
        HealthCheck check;
        OutlierDetector judge;
        std::vector<TargetCounters> traffic; // of the last poll; here to be used again
        std::map<std::uint16_t, std::string> names;
    };
    struct Trial {
        std::uint64_t tried = 0, confirmed = 0;
    };

    void schedule(Clock::time_point due);
    void poll();
    bool poll_group(Group &group, const std::string &name);
    bool execute(Group &group, const DetectorAction &order);
    bool update_half_open_targets(const Group &group);
    void probe_group_outage_targets();
    bool tick_targets();

    void on_in_band(const std::string &key, const InBandResult &result);
    void check_by_geneve(const HealthCheck &check, const TargetEntry &member, const InBandResult &result);

    TargetRegistry &fleet_;
    std::recursive_mutex &lock_;
    PassiveHooks hooks_;
    InBandProber in_band_;
    boost::asio::steady_timer timer_;
    bool polling_ = false;
    std::map<std::string, Group> groups_;       // those with `passive`, or checked by GENEVE
    std::map<std::string, std::uint64_t> back_; // packets, when an in-band check was last judged
    std::map<std::string, Trial> trials_;
    Clock::time_point told_time_{}, asked_{};
};

} // namespace glb
