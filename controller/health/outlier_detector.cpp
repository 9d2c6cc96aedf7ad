#include "controller/health/outlier_detector.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace glb {
namespace {

using namespace std::chrono_literals;

constexpr auto kBucket = 5s;
constexpr auto kSettled = 10ms; // the last of the flows that make a suspect has waited that long
constexpr auto kResend = 100ms; // after a probe that could not be sent
constexpr auto kCompareAtMost = 60s;
constexpr auto kHorizonInBand = 10s; // within which silent flows add up
constexpr auto kHorizonAlone = 1s;
constexpr unsigned kMissesUntilUnknown = 5;

std::uint64_t waiting(const TargetCounters &traffic) {
    return traffic.silent - std::min(traffic.silent, traffic.answered);
}

bool went_back(const TargetCounters &now, const TargetCounters &before) {
    return now.out < before.out || now.back < before.back || now.silent < before.silent ||
           now.answered < before.answered || now.tried < before.tried || now.confirmed < before.confirmed;
}

/// The poll that is nearest to it: one that comes a little early is not to cost another.
bool is_due(std::chrono::steady_clock::time_point when, std::chrono::steady_clock::time_point now) {
    return now + OutlierDetector::kPoll / 2 >= when;
}

long long in_ms(std::chrono::steady_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

} // namespace

void OutlierDetector::SlidingMinimum::note(std::uint64_t value, Time now) {
    if (now - began_ >= kBucket) {
        before_ = now - began_ < 2 * kBucket ? now_ : UINT64_MAX;
        now_ = value;
        began_ = now;
    }
    now_ = std::min(now_, value);
}

std::vector<DetectorAction> OutlierDetector::poll(std::span<const TargetCounters> traffic, Time now) {
    const auto gap = last_poll_ ? now - *last_poll_ : Duration(kPoll);
    last_poll_ = now;
    Totals totals;
    for (const auto &row : traffic) {
        totals.tried += row.tried;
        totals.confirmed += row.confirmed;
    }
    const auto siblings_of = [&](const TargetCounters &row) {
        return Totals{totals.tried - row.tried, totals.confirmed - row.confirmed};
    };

    Orders orders;
    auto former = std::exchange(members_, {});
    for (const auto &row : traffic) {
        const auto siblings = siblings_of(row);
        auto known = former.extract(row.target);
        if (known.empty() || went_back(row, known.mapped().last)) {
            restart(members_[row.target], row, siblings, now);
            continue;
        }
        auto &member = members_.insert(std::move(known)).position->second;
        if (gap > kLate)
            forgive_stall(member, gap, now);
        if (observe(member, row, siblings, now) && member.suspicion != Suspicion::none) {
            member.suspicion = Suspicion::none;
            orders.push_back({DetectorAction::Kind::acquit, row.target, false, "its traffic returns"});
        }
    }
    // Only once all have been observed: a common cause shows in all of them.
    for (auto &[target, member] : members_)
        if (!member.last.ejected)
            consider(member, siblings_of(member.last), now, orders);
    return orders;
}

void OutlierDetector::restart(Member &member, const TargetCounters &traffic, const Totals &siblings,
                              Time now) {
    member = {};
    member.last = traffic;
    member.silent_before = traffic.silent;
    member.last_return = member.last_out = now;
    member.in_band_works = traffic.in_band_worked;
    const auto unexplained = traffic.in_band_worked ? waiting(traffic) : 0;
    member.least_waiting.note(waiting(traffic) - unexplained, now);
    forget_silence(member, traffic.silent - unexplained);
    forget_comparison(member, siblings, now);
}

void OutlierDetector::forget_silence(Member &member, std::uint64_t silent_base) {
    member.silent_base = silent_base;
    member.newly = 0;
    member.quiet.reset();
    member.suspect_flows.reset();
    member.convict_flows.reset();
}

void OutlierDetector::forget_comparison(Member &member, const Totals &siblings, Time now) {
    member.tried_base = member.last.tried;
    member.siblings_base = siblings;
    member.compared = now;
    member.first_tried.reset();
}

// The flows that wait stay what they are; the time in which we did not look is taken back, and an inquiry is
// void.
void OutlierDetector::forgive_stall(Member &member, Duration stalled, Time now) {
    for (auto *since : {&member.quiet, &member.suspect_flows, &member.convict_flows})
        if (*since)
            *since = now;
    if (member.first_tried)
        *member.first_tried += stalled;
    member.suspicion = Suspicion::none;
}

// True where anything has come back. Flows that fell silent since two polls before the last return count:
// what returned last may have gone out before they did. Which of them were answered as well cannot be known;
// that no more wait than wait in all bounds it from above.
bool OutlierDetector::observe(Member &member, const TargetCounters &traffic, const Totals &siblings,
                              Time now) {
    const auto before = std::exchange(member.last, traffic);
    const bool returned = traffic.back != before.back || traffic.answered != before.answered ||
                          traffic.confirmed != before.confirmed;
    if (traffic.out != before.out)
        member.last_out = now;
    if (returned || traffic.ejected) {
        forget_silence(member, std::min(member.silent_before, before.silent));
        forget_comparison(member, siblings, now);
        member.least_waiting.note(waiting(traffic), now);
    }
    if (returned)
        member.last_return = now;

    member.silent_before = before.silent;

    const auto waits = waiting(traffic);
    member.newly =
        std::min(traffic.silent - member.silent_base, waits - std::min(waits, member.least_waiting.get()));
    const auto mark = [&](std::optional<Time> &since, std::uint64_t flows) {
        if (member.newly >= flows && !since)
            since = now;
    };
    mark(member.quiet, 1);
    mark(member.suspect_flows, kSuspectFlows);
    mark(member.convict_flows, kConvictFlows);
    if (traffic.tried > member.tried_base && !member.first_tried)
        member.first_tried = now;
    return returned;
}

void OutlierDetector::consider(Member &member, const Totals &siblings, Time now, Orders &orders) {
    expire(member, siblings, now);
    if (member.suspicion == Suspicion::none) {
        if (member.suspect_flows && now - *member.quiet >= kSilence &&
            now - *member.suspect_flows >= kSettled)
            suspect(member, Suspicion::silence, now);
        else if (surprise(member, siblings) > kSurprise)
            suspect(member, Suspicion::comparison, now);
        else
            return;
    }
    if (member.answered) {
        orders.push_back({DetectorAction::Kind::acquit, member.last.target, false, "it answers in-band"});
        member.suspicion = Suspicion::none;
        forget_silence(member, member.last.silent);
        forget_comparison(member, siblings, now);
    } else if (member.probes < kProbes) {
        if (is_due(member.next_probe, now)) {
            ++member.probes;
            member.next_probe = now + kProbePause;
            orders.push_back({DetectorAction::Kind::probe, member.last.target, false, ""});
        }
    } else if (is_due(member.next_probe, now) && is_ejected(member, siblings, now)) {
        eject(member, siblings, now, orders);
    }
}

void OutlierDetector::suspect(Member &member, Suspicion why, Time now) {
    member.suspicion = why;
    member.inquiry = member.next_probe = now;
    member.probes = 0;
    member.answered = member.spared = false;
}

bool OutlierDetector::is_ejected(const Member &member, const Totals &siblings, Time now) const {
    if (member.in_band_works)
        return true;
    if (member.suspicion == Suspicion::comparison)
        return surprise(member, siblings) > 2 * kSurprise && now - *member.first_tried >= 2 * kCompareTime;
    return member.convict_flows && now - *member.convict_flows >= settings_.window &&
           now - *member.quiet >= 2 * settings_.window;
}

// Minus the logarithm of the probability that a target like its siblings returns none of its n new flows.
// With the siblings' share p known for certain that is n·ln(1/(1-p)). It is known from t flows of which c
// returned, so this is the beta-binomial's, which is smaller, and equal for many flows: ln Γ(c+b+n) Γ(b) /
// (Γ(c+b) Γ(b+n)), b = t-c+1. The flows must have had their time: packets went out after it, and still
// nothing returned. 0 where they had not.
double OutlierDetector::surprise(const Member &member, const Totals &siblings) const {
    const auto flows = member.last.tried - member.tried_base;
    if (flows < kComparedFlows || member.last_out - *member.first_tried < kCompareTime)
        return 0;
    if (!settings_.flows_are_independent && member.last.back != 0)
        return 0;
    if (siblings.tried < member.siblings_base.tried || siblings.confirmed < member.siblings_base.confirmed)
        return 0; // one of them has left
    const auto tried = siblings.tried - member.siblings_base.tried;
    const auto returned = std::min(tried, siblings.confirmed - member.siblings_base.confirmed);
    const auto n = static_cast<double>(flows), c = static_cast<double>(returned);
    const auto b = static_cast<double>(tried - returned) + 1;
    return std::lgamma(c + b + n) + std::lgamma(b) - std::lgamma(c + b) - std::lgamma(b + n);
}

// Flows that fell silent long ago and far apart are the firewall's business: they do not add up.
void OutlierDetector::expire(Member &member, const Totals &siblings, Time now) const {
    const auto horizon = member.in_band_works
                             ? Duration(kHorizonInBand)
                             : std::max(Duration(kHorizonAlone), Duration(2 * settings_.window));
    const bool inquired = member.suspicion == Suspicion::none || member.probes == kProbes;
    if (member.quiet && now - *member.quiet > horizon && inquired &&
        member.suspicion != Suspicion::comparison && (!member.in_band_works || !member.suspect_flows) &&
        !member.convict_flows) {
        member.suspicion = Suspicion::none;
        forget_silence(member, member.last.silent);
    }
    if (member.suspicion == Suspicion::none && now - member.compared > kCompareAtMost)
        forget_comparison(member, siblings, now);
}

void OutlierDetector::eject(Member &member, const Totals &siblings, Time now, Orders &orders) {
    auto description = describe(member, siblings, now);
    if (!has_room()) {
        if (!std::exchange(member.spared, true))
            orders.push_back(
                {DetectorAction::Kind::spare, member.last.target, false, std::move(description)});
        return;
    }
    const bool common = is_group_outage(member, now);
    if (common)
        last_common_cause_ = now;
    orders.push_back({DetectorAction::Kind::convict, member.last.target, common, std::move(description)});
    member.suspicion = Suspicion::none;
    member.last.ejected = true; // so the caller will say from the next poll on
    forget_silence(member, member.last.silent);
    forget_comparison(member, siblings, now);
}

// All of the group that have traffic are silent, at least two; those just taken out for the same cause are
// gone.
bool OutlierDetector::is_group_outage(const Member &member, Time now) const {
    bool others_silent = last_common_cause_ && now - *last_common_cause_ < 1s;
    for (const auto &[target, other] : members_) {
        if (&other == &member || other.last.ejected)
            continue;
        if (now - other.last_return < kSilence)
            return false;
        others_silent |= other.quiet && now - *other.quiet >= kSilence / 2;
    }
    return others_silent;
}

bool OutlierDetector::has_room() const {
    const auto out = std::count_if(members_.begin(), members_.end(),
                                   [](const auto &row) { return row.second.last.ejected; });
    const auto limit = members_.size() * settings_.max_ejected_percent / 100;
    return static_cast<std::size_t>(out) < std::max<std::size_t>(1, limit);
}

std::string OutlierDetector::describe(const Member &member, const Totals &siblings, Time now) {
    if (member.suspicion == Suspicion::silence)
        return fmt::format("{} flows fell silent, and nothing has come back for {} ms", member.newly,
                           in_ms(now - *member.quiet));
    const auto tried = siblings.tried - member.siblings_base.tried;
    const auto returned = siblings.confirmed - member.siblings_base.confirmed;
    return fmt::format("none of {} new flows came back in {} ms, while its siblings returned {} of {}",
                       member.last.tried - member.tried_base, in_ms(now - *member.first_tried), returned,
                       tried);
}

void OutlierDetector::on_answer(std::uint16_t target, Time sent) {
    const auto found = members_.find(target);
    if (found == members_.end())
        return;
    auto &member = found->second;
    member.in_band_works = true;
    member.missed = 0;
    if (member.suspicion != Suspicion::none && sent >= member.inquiry)
        member.answered = true;
}

bool OutlierDetector::on_missed(std::uint16_t target) {
    const auto found = members_.find(target);
    if (found == members_.end())
        return false;
    auto &member = found->second;
    if (member.missed++ == 0)
        member.back_at_miss = member.last.back;
    if (member.missed < kMissesUntilUnknown || member.last.back == member.back_at_miss)
        return false;
    return std::exchange(member.in_band_works, false);
}

void OutlierDetector::on_unsent(std::uint16_t target, Time now) {
    if (const auto found = members_.find(target); found != members_.end()) {
        found->second.probes = 0;
        found->second.next_probe = now + kResend;
    }
}

bool OutlierDetector::in_band_works(std::uint16_t target) const {
    const auto found = members_.find(target);
    return found != members_.end() && found->second.in_band_works;
}

} // namespace glb
