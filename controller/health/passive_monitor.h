// PassiveMonitor: passive health and in-band probes. Feeds the outlier detector of each group
// with the data path's counters, sends in-band probes, and updates the registry.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "abi/config.h"
#include "abi/events.h"
#include "controller/health/health_config.h"
#include "controller/health/outlier_detector.h"
#include "controller/health/probes/in_band_prober.h"
#include "controller/health/target_registry.h"

namespace glb::health {

/// What the monitor needs of the engine. Called on the health thread.
class PassiveMonitorHost {
  public:
    /// Reads the events that wait in the ring buffer, so that probe answers precede the detectors'
    /// evaluation.
    virtual void poll_events() = 0;
    /// None while no data path is loaded.
    virtual std::optional<glb_target_count> target_count(std::uint16_t target) = 0;
    /// A target of the group has changed in the registry: writes the target states of the group.
    virtual void on_group_changed(const std::string &group) = 0;
    /// The result of a health check of protocol GENEVE.
    virtual void on_probe(const std::string &name, const ProbeResult &result) = 0;

  protected:
    ~PassiveMonitorHost() = default;
};

/// Polls every OutlierDetector::poll_interval while a group has passive health; idle otherwise. Not
/// thread-safe.
class PassiveMonitor {
  public:
    /// `loop`, `registry` and `host` must outlive it.
    PassiveMonitor(boost::asio::io_context &loop, TargetRegistry &registry, PassiveMonitorHost &host);

    /// Groups and settings of the configuration that the registry holds. Evidence about known targets is
    /// kept.
    void configure(const HealthConfig &config);
    /// GLB_EVENT_IN_BAND.
    void on_event(const glb_event &event);
    void stop();

  private:
    using Clock = std::chrono::steady_clock;
    struct Group {
        HealthGroup settings;
        OutlierDetector detector;
        std::vector<TargetCounters> counters; // of the last poll; a member to reuse its memory
        std::map<std::uint16_t, std::string> names;
    };
    struct NewFlows {
        std::uint64_t started = 0, confirmed = 0;
    };

    void schedule(Clock::time_point due);
    void poll();
    bool poll_group(Group &group, const std::string &name);
    bool execute(Group &group, const DetectorAction &action);
    bool update_half_open_targets(const Group &group);
    void probe_group_outage_targets();
    void tick_targets();

    void on_in_band(const std::string &name, const InBandResult &result);
    void on_not_sent(const std::string &name, const std::string &error);
    void check_by_geneve(const HealthGroup &group, const TargetEntry &entry, const InBandResult &result);

    TargetRegistry &registry_;
    PassiveMonitorHost &host_;
    InBandProber in_band_;
    boost::asio::steady_timer timer_;
    bool polling_ = false;
    std::map<std::string, Group> groups_;                    // with passive health or GENEVE checks
    std::map<std::string, std::uint64_t> returned_at_check_; // packets, at the last in-band health check
    std::map<std::string, NewFlows> half_open_;
    Clock::time_point last_tick_{}, last_outage_probe_{};
    std::optional<Clock::time_point> not_sent_logged_;
};

} // namespace glb::health
