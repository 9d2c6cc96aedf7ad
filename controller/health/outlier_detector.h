// OutlierDetector: finds the targets of one group that return no traffic, from the data path's counters.
// Pure: counters, probe answers and time are arguments. docs/design/0007 describes how false positives are
// avoided.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/util/monotonic_time.h"

namespace glb::health {

struct DetectorSettings {
    /// If in-band probes have never worked, a target must be unresponsive for two of these to be ejected.
    std::chrono::milliseconds window{40};
    unsigned max_ejected_percent = 50;
    /// Flows select their targets independently of each other (5-tuple stickiness). With per-host stickiness,
    /// a single host whose flows are denied resembles a target that returns nothing. The comparison with
    /// siblings then applies only to targets that have never returned a packet.
    bool flows_are_independent = true;

    bool operator==(const DetectorSettings &) const = default;
};

/// Counters of one target (glb_target_count), summed over the CPUs. They only increase.
struct TargetCounters {
    std::uint16_t target = 0; ///< its index
    std::uint64_t packets_out = 0;
    std::uint64_t packets_returned = 0;
    std::uint64_t outstanding_started =
        0; ///< times that an established flow began to wait for a return packet
    std::uint64_t outstanding_cleared = 0; ///< times that such a wait ended
    std::uint64_t new_flows_started = 0;
    std::uint64_t new_flows_confirmed = 0;
    bool ejected = false;        ///< failed passively: not evaluated, and counts towards max_ejected_percent
    bool in_band_worked = false; ///< before the first poll: known from an earlier daemon
};

struct DetectorAction {
    enum class Kind : std::uint8_t {
        probe,         ///< send it an in-band probe now
        clear,         ///< it is no longer suspected
        eject,         ///< it has failed
        skip_ejection, ///< it has failed, but max_ejected_percent of the group are ejected already. Once there
                       ///< is room, only evidence from then on ejects it
    };
    Kind kind = Kind::probe;
    std::uint16_t target = 0;
    bool group_outage = false; ///< of eject: the whole group became unresponsive, and this target with it
    std::string description;   ///< for log and API; empty for probe
};

class OutlierDetector {
  public:
    using Duration = std::chrono::steady_clock::duration;

    static constexpr std::chrono::milliseconds poll_interval{5}; ///< at which poll() is to be called
    /// If polling was delayed by more than this, the whole system may have stalled: the interval is ignored.
    static constexpr std::chrono::milliseconds max_poll_gap{20};
    static constexpr std::chrono::milliseconds unanswered_time{40}; ///< until a target is suspected
    static constexpr std::chrono::milliseconds probe_pause{10};
    static constexpr unsigned max_probes = 3;
    static constexpr std::uint64_t suspect_flows = 4;
    static constexpr std::uint64_t eject_flows = 16; ///< if in-band probes do not work
    static constexpr std::uint64_t comparison_flows = 16;
    static constexpr std::chrono::seconds comparison_time{2};
    static constexpr double surprisal_limit = 13.815510557964274; ///< ln 10^6

    explicit OutlierDetector(DetectorSettings settings) : settings_(settings) {}
    void set_settings(const DetectorSettings &settings) { settings_ = settings; }

    /// `traffic`: counters of all eligible targets of the group (weight above 0, not draining). `now` is
    /// taken after they were read, so that a delay of the reading is visible. Targets that are not listed are
    /// forgotten; a new one starts without history, except if in-band probes worked for an earlier daemon:
    /// its outstanding flows then count at once, since they may have been waiting before the first poll.
    [[nodiscard]] std::vector<DetectorAction> poll(std::span<const TargetCounters> traffic,
                                                   MonotonicTime now);

    /// An in-band probe sent at `sent` has returned from the target. Reported before the next poll().
    void on_answer(std::uint16_t target, MonotonicTime sent);
    /// A periodic in-band probe was not answered. In-band probes no longer work for the target after
    /// five in a row while traffic returned: some appliances drop endpoint ids that they are not
    /// configured with. True if they have just stopped working.
    bool on_missed(std::uint16_t target);
    /// The requested probe could not be sent: the fault is local, and the probes start again.
    void on_unsent(std::uint16_t target, MonotonicTime now);

    [[nodiscard]] bool in_band_works(std::uint16_t target) const;

  private:
    enum class Suspicion : std::uint8_t { none, unanswered, comparison };

    /// The minimum over the last 5 to 10 seconds.
    class SlidingMinimum {
      public:
        void record(std::uint64_t value, MonotonicTime now);
        [[nodiscard]] std::uint64_t get() const { return std::min(current_, previous_); }

      private:
        std::uint64_t current_ = UINT64_MAX, previous_ = UINT64_MAX;
        MonotonicTime began_{};
    };

    struct Totals {
        std::uint64_t started = 0, confirmed = 0; // new flows
    };

    struct Member {
        TargetCounters last;
        std::uint64_t outstanding_before = 0; // outstanding_started, one poll before `last`
        MonotonicTime last_return{};
        MonotonicTime last_out{};

        // Established flows that have been outstanding since the last return packet of any flow.
        std::uint64_t outstanding_base = 0; // outstanding_started, two polls before the last return packet
        SlidingMinimum least_outstanding;   // flows that will never be answered and never end
        std::uint64_t newly_outstanding = 0;
        // Since when there are 1, suspect_flows, eject_flows of them.
        std::optional<MonotonicTime> unanswered_since, suspect_since, eject_since;

        // Comparison: new flows since the last return packet, and those of the siblings in the same time.
        std::uint64_t started_base = 0;
        Totals siblings_base;
        MonotonicTime compared_since{};
        std::optional<MonotonicTime> first_started;

        Suspicion suspicion = Suspicion::none;
        MonotonicTime suspected_at{};
        MonotonicTime next_probe{};
        unsigned probes = 0;
        bool answered = false;
        bool spared = false; // found failed, but not ejected: max_ejected_percent

        bool in_band_works = false;
        unsigned missed = 0;
        std::uint64_t returned_at_miss = 0;
    };
    using Actions = std::vector<DetectorAction>;

    static void restart(Member &member, const TargetCounters &traffic, const Totals &siblings,
                        MonotonicTime now);
    static void reset_outstanding(Member &member, std::uint64_t outstanding_base);
    static void reset_comparison(Member &member, const Totals &siblings, MonotonicTime now);
    static void discard_interval(Member &member, Duration stalled, MonotonicTime now);
    static bool observe(Member &member, const TargetCounters &traffic, const Totals &siblings,
                        MonotonicTime now);

    void evaluate(Member &member, const Totals &siblings, MonotonicTime now, Actions &actions);
    void suspect(Member &member, Suspicion reason, MonotonicTime now);
    static void start_afresh(Member &member, const Totals &siblings, MonotonicTime now);
    [[nodiscard]] bool should_eject(const Member &member, const Totals &siblings, MonotonicTime now) const;
    [[nodiscard]] double surprisal(const Member &member, const Totals &siblings) const;
    void expire(Member &member, const Totals &siblings, MonotonicTime now) const;
    void eject(Member &member, const Totals &siblings, MonotonicTime now, Actions &actions);
    [[nodiscard]] bool is_group_outage(const Member &member, MonotonicTime now) const;
    [[nodiscard]] bool below_ejection_limit() const;
    [[nodiscard]] static std::string describe(const Member &member, const Totals &siblings,
                                              MonotonicTime now);

    DetectorSettings settings_;
    std::map<std::uint16_t, Member> members_;
    std::optional<MonotonicTime> last_poll_;
    std::optional<MonotonicTime> last_group_outage_;
};

} // namespace glb::health
