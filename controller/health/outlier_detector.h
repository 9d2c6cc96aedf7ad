// OutlierDetector: finds the targets of one group out of which nothing comes any more, from what the data
// path counts. Pure: counts, answers and time are arguments. docs/design/0007 says how false alarms are kept
// out.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace glb {

struct DetectorSettings {
    /// Where in-band probes never worked, conviction takes silence for two of these.
    std::chrono::milliseconds window{40};
    unsigned max_ejected_percent = 50;
    /// Flows find their targets independently of each other (5-tuple stickiness). Where whole hosts stay
    /// together, one host whose flows are denied looks like a target that returns none: the comparison with
    /// siblings is then for targets alone that have never returned a packet.
    bool flows_are_independent = true;

    bool operator==(const DetectorSettings &) const = default;
};

/// What the data path has counted of one target (glb_target_count), over all CPUs. All only grow.
struct TargetCounters {
    std::uint16_t target = 0; ///< its index
    std::uint64_t out = 0;    ///< packets
    std::uint64_t back = 0;
    std::uint64_t silent = 0;   ///< times that an established flow began to wait for its return
    std::uint64_t answered = 0; ///< times that such a wait ended
    std::uint64_t tried = 0;    ///< new flows
    std::uint64_t confirmed = 0;
    bool ejected = false;        ///< is out passively: not judged, and counts towards the limit
    bool in_band_worked = false; ///< before it was first polled: of an earlier daemon
};

struct DetectorAction {
    enum class Kind : std::uint8_t {
        probe,   ///< send an in-band probe to it now
        acquit,  ///< a suspect after all sound
        convict, ///< take it out
        spare,   ///< it would be ejected, but maxEjectedPercent of the group are out already
    };
    Kind kind = Kind::probe;
    std::uint16_t target = 0;
    bool group_outage = false; ///< of convict: the whole group fell silent
    std::string description;   ///< for a person; empty for probe
};

class OutlierDetector {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;

    static constexpr std::chrono::milliseconds kPoll{5}; ///< how often poll() is to be called
    /// Longer since the poll before: we were held up, and whoever else was too. Nothing is concluded from
    /// that time.
    static constexpr std::chrono::milliseconds kLate{20};
    static constexpr std::chrono::milliseconds kSilence{40};
    static constexpr std::chrono::milliseconds kProbePause{10};
    static constexpr unsigned kProbes = 3;
    static constexpr std::uint64_t kSuspectFlows = 4;
    static constexpr std::uint64_t kConvictFlows = 16; ///< without the help of in-band probes
    static constexpr std::uint64_t kComparedFlows = 16;
    static constexpr std::chrono::seconds kCompareTime{2};
    static constexpr double kSurprise = 13.815510557964274; ///< ln 10^6

    explicit OutlierDetector(DetectorSettings settings) : settings_(settings) {}
    void set_settings(const DetectorSettings &settings) { settings_ = settings; }

    /// The counts of all targets of the group that take part (they have weight, and do not drain), read just
    /// now. `now` is to be taken after the reading, so that whatever held us up shows. Targets that are not
    /// in the list are forgotten; one that is new starts without a past. But where in-band worked before,
    /// flows that wait are asked about at once: they may have fallen silent while nobody looked, and will not
    /// do so again.
    [[nodiscard]] std::vector<DetectorAction> poll(std::span<const TargetCounters> traffic, Time now);

    /// An in-band probe sent at `sent` has come back from the target. To be told before the poll that
    /// follows.
    void on_answer(std::uint16_t target, Time sent);
    /// A periodic in-band probe has stayed away. In-band counts as working no more when five in a row did
    /// while traffic returned: some appliances drop endpoint ids that they were not told. True where it just
    /// ended.
    bool on_missed(std::uint16_t target);
    /// The probe that was ordered could not be sent: the fault is here, and the inquiry begins anew.
    void on_unsent(std::uint16_t target, Time now);

    [[nodiscard]] bool in_band_works(std::uint16_t target) const;

  private:
    enum class Suspicion : std::uint8_t { none, silence, comparison };

    /// The least of the last 5 to 10 seconds.
    class SlidingMinimum {
      public:
        void note(std::uint64_t value, Time now);
        [[nodiscard]] std::uint64_t get() const { return std::min(now_, before_); }

      private:
        std::uint64_t now_ = UINT64_MAX, before_ = UINT64_MAX;
        Time began_{};
    };

    struct Totals {
        std::uint64_t tried = 0, confirmed = 0;
    };

    struct Member {
        TargetCounters last;
        std::uint64_t silent_before = 0; // in the poll before
        Time last_return{};
        Time last_out{};

        // Silence: established flows that wait, and have waited since the last return of any.
        std::uint64_t silent_base = 0; // `silent` two polls before the last return
        SlidingMinimum least_waiting;  // flows that will never be answered, and never end either
        std::uint64_t newly = 0;
        std::optional<Time> quiet, suspect_flows, convict_flows; // since when there are 1, 4, 16 of them

        // Comparison: new flows since the last return, and those of the siblings in the same time.
        std::uint64_t tried_base = 0;
        Totals siblings_base;
        Time compared{};
        std::optional<Time> first_tried;

        Suspicion suspicion = Suspicion::none;
        Time inquiry{}; // when it began
        Time next_probe{};
        unsigned probes = 0;
        bool answered = false;
        bool spared = false;

        bool in_band_works = false;
        unsigned missed = 0;
        std::uint64_t back_at_miss = 0;
    };
    using Orders = std::vector<DetectorAction>;

    static void restart(Member &member, const TargetCounters &traffic, const Totals &siblings, Time now);
    static void forget_silence(Member &member, std::uint64_t silent_base);
    static void forget_comparison(Member &member, const Totals &siblings, Time now);
    static void forgive_stall(Member &member, Duration stalled, Time now);
    static bool observe(Member &member, const TargetCounters &traffic, const Totals &siblings, Time now);

    void consider(Member &member, const Totals &siblings, Time now, Orders &orders);
    void suspect(Member &member, Suspicion why, Time now);
    [[nodiscard]] bool is_ejected(const Member &member, const Totals &siblings, Time now) const;
    [[nodiscard]] double surprise(const Member &member, const Totals &siblings) const;
    void expire(Member &member, const Totals &siblings, Time now) const;
    void eject(Member &member, const Totals &siblings, Time now, Orders &orders);
    [[nodiscard]] bool is_group_outage(const Member &member, Time now) const;
    [[nodiscard]] bool has_room() const;
    [[nodiscard]] static std::string describe(const Member &member, const Totals &siblings, Time now);

    DetectorSettings settings_;
    std::map<std::uint16_t, Member> members_;
    std::optional<Time> last_poll_;
    std::optional<Time> last_common_cause_;
};

} // namespace glb
