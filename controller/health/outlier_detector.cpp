#include "controller/health/outlier_detector.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace glb::health {
namespace {

using namespace std::chrono_literals;

constexpr auto bucket_length = 5s;
constexpr auto suspect_delay = 10ms; // wait of the last of the flows that make a target suspect
constexpr auto resend_delay = 100ms; // after a probe that could not be sent
constexpr auto max_comparison = 60s;
constexpr auto horizon_in_band = 10s; // within which outstanding flows add up
constexpr auto horizon_without_in_band = 1s;
constexpr auto outage_memory = 10s; // a target that was silent since an outage is a part of it
constexpr unsigned max_missed = 5;

std::uint64_t outstanding(const TargetCounters &traffic) {
    return traffic.outstanding_started - std::min(traffic.outstanding_started, traffic.outstanding_cleared);
}

/// The counters were reset.
bool any_decreased(const TargetCounters &now, const TargetCounters &before) {
    return now.packets_out < before.packets_out || now.packets_returned < before.packets_returned ||
           now.outstanding_started < before.outstanding_started ||
           now.outstanding_cleared < before.outstanding_cleared ||
           now.new_flows_started < before.new_flows_started ||
           now.new_flows_confirmed < before.new_flows_confirmed;
}

/// Rounds to the nearest poll, so that a poll that is slightly early does not cost another interval.
bool is_due(MonotonicTime when, MonotonicTime now) {
    return now + OutlierDetector::poll_interval / 2 >= when;
}

long long to_ms(std::chrono::steady_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

} // namespace

void OutlierDetector::SlidingMinimum::record(std::uint64_t value, MonotonicTime now) {
    if (now - began_ >= bucket_length) {
        previous_ = now - began_ < 2 * bucket_length ? current_ : UINT64_MAX;
        current_ = value;
        began_ = now;
    }
    current_ = std::min(current_, value);
}

std::vector<DetectorAction> OutlierDetector::poll(std::span<const TargetCounters> traffic,
                                                  MonotonicTime now) {
    const auto gap = last_poll_ ? now - *last_poll_ : Duration(poll_interval);
    last_poll_ = now;
    Totals totals;
    for (const auto &row : traffic) {
        totals.started += row.new_flows_started;
        totals.confirmed += row.new_flows_confirmed;
    }
    const auto siblings_of = [&](const TargetCounters &row) {
        return Totals{totals.started - row.new_flows_started, totals.confirmed - row.new_flows_confirmed};
    };

    Actions actions;
    auto previous = std::exchange(members_, {});
    for (const auto &row : traffic) {
        const auto siblings = siblings_of(row);
        auto known = previous.extract(row.target);
        if (known.empty() || any_decreased(row, known.mapped().last)) {
            restart(members_[row.target], row, siblings, now);
            continue;
        }
        auto &member = members_.insert(std::move(known)).position->second;
        if (gap > max_poll_gap)
            discard_interval(member, gap, now);
        if (observe(member, row, siblings, now) && member.suspicion != Suspicion::none) {
            member.suspicion = Suspicion::none;
            member.spared = false;
            actions.push_back({DetectorAction::Kind::clear, row.target, false, "return traffic resumed"});
        }
    }
    // A group-wide outage is recognised only once all members have been observed.
    for (auto &[target, member] : members_)
        if (!member.last.ejected)
            evaluate(member, siblings_of(member.last), now, actions);
    return actions;
}

void OutlierDetector::restart(Member &member, const TargetCounters &traffic, const Totals &siblings,
                              MonotonicTime now) {
    member = {};
    member.last = traffic;
    member.outstanding_before = traffic.outstanding_started;
    member.last_return = member.last_out = now;
    member.in_band_works = traffic.in_band_worked;
    const auto unexplained = traffic.in_band_worked ? outstanding(traffic) : 0;
    member.least_outstanding.record(outstanding(traffic) - unexplained, now);
    reset_outstanding(member, traffic.outstanding_started - unexplained);
    reset_comparison(member, siblings, now);
}

void OutlierDetector::reset_outstanding(Member &member, std::uint64_t outstanding_base) {
    member.outstanding_base = outstanding_base;
    member.newly_outstanding = 0;
    member.unanswered_since.reset();
    member.suspect_since.reset();
    member.eject_since.reset();
}

void OutlierDetector::reset_comparison(Member &member, const Totals &siblings, MonotonicTime now) {
    member.started_base = member.last.new_flows_started;
    member.siblings_base = siblings;
    member.compared_since = now;
    member.first_started.reset();
}

// Outstanding flows stay counted. The time without polls is subtracted, and a suspicion is dropped.
void OutlierDetector::discard_interval(Member &member, Duration stalled, MonotonicTime now) {
    for (auto *since : {&member.unanswered_since, &member.suspect_since, &member.eject_since})
        if (*since)
            *since = now;
    if (member.first_started)
        *member.first_started += stalled;
    member.suspicion = Suspicion::none;
}

// True if any packet has returned. Flows count that became outstanding since two polls before the last
// return packet, since that packet may have been sent before them. The counters do not say which of these
// flows have been answered as well; the increase of all outstanding flows is an upper bound.
bool OutlierDetector::observe(Member &member, const TargetCounters &traffic, const Totals &siblings,
                              MonotonicTime now) {
    const auto before = std::exchange(member.last, traffic);
    const bool returned = traffic.packets_returned != before.packets_returned ||
                          traffic.outstanding_cleared != before.outstanding_cleared ||
                          traffic.new_flows_confirmed != before.new_flows_confirmed;
    if (traffic.packets_out != before.packets_out)
        member.last_out = now;
    if (returned || traffic.ejected) {
        reset_outstanding(member, std::min(member.outstanding_before, before.outstanding_started));
        reset_comparison(member, siblings, now);
        member.least_outstanding.record(outstanding(traffic), now);
    }
    if (returned)
        member.last_return = now;

    member.outstanding_before = before.outstanding_started;

    const auto flows_now = outstanding(traffic);
    member.newly_outstanding = std::min(traffic.outstanding_started - member.outstanding_base,
                                        flows_now - std::min(flows_now, member.least_outstanding.get()));
    const auto mark = [&](std::optional<MonotonicTime> &since, std::uint64_t flows) {
        if (member.newly_outstanding >= flows && !since)
            since = now;
    };
    mark(member.unanswered_since, 1);
    mark(member.suspect_since, suspect_flows);
    mark(member.eject_since, eject_flows);
    if (traffic.new_flows_started > member.started_base && !member.first_started)
        member.first_started = now;
    return returned;
}

void OutlierDetector::evaluate(Member &member, const Totals &siblings, MonotonicTime now, Actions &actions) {
    if (member.spared && !member.answered) {
        if (below_ejection_limit())
            start_afresh(member, siblings, now);
        return;
    }
    expire(member, siblings, now);
    if (member.suspicion == Suspicion::none) {
        if (member.suspect_since && now - *member.unanswered_since >= unanswered_time &&
            now - *member.suspect_since >= suspect_delay)
            suspect(member, Suspicion::unanswered, now);
        else if (surprisal(member, siblings) > surprisal_limit)
            suspect(member, Suspicion::comparison, now);
        else
            return;
    }
    if (member.answered) {
        actions.push_back({DetectorAction::Kind::clear, member.last.target, false, "in-band probe answered"});
        member.suspicion = Suspicion::none;
        member.spared = false;
        reset_outstanding(member, member.last.outstanding_started);
        reset_comparison(member, siblings, now);
    } else if (member.probes < max_probes) {
        if (is_due(member.next_probe, now)) {
            ++member.probes;
            member.next_probe = now + probe_pause;
            actions.push_back({DetectorAction::Kind::probe, member.last.target, false, ""});
        }
    } else if (is_due(member.next_probe, now) && should_eject(member, siblings, now)) {
        eject(member, siblings, now, actions);
    }
}

void OutlierDetector::suspect(Member &member, Suspicion reason, MonotonicTime now) {
    member.suspicion = reason;
    member.suspected_at = member.next_probe = now;
    member.probes = 0;
    member.answered = false;
}

// What made a spared target suspect may be over: in an outage of the whole group, the target returns at the same
// time as the one whose recovery makes room. If in-band probes work, its flows stay counted, and it is probed
// again. Otherwise only flows that become outstanding from now on count, since those that wait may not have sent
// anything since.
void OutlierDetector::start_afresh(Member &member, const Totals &siblings, MonotonicTime now) {
    member.spared = false;
    member.suspicion = Suspicion::none;
    reset_comparison(member, siblings, now);
    if (!member.in_band_works)
        return reset_outstanding(member, member.last.outstanding_started);
    for (auto *since : {&member.unanswered_since, &member.suspect_since, &member.eject_since})
        if (*since)
            *since = now;
}

bool OutlierDetector::should_eject(const Member &member, const Totals &siblings, MonotonicTime now) const {
    if (member.in_band_works)
        return true;
    if (member.suspicion == Suspicion::comparison)
        return surprisal(member, siblings) > 2 * surprisal_limit &&
               now - *member.first_started >= 2 * comparison_time;
    return member.eject_since && now - *member.eject_since >= settings_.window &&
           now - *member.unanswered_since >= 2 * settings_.window;
}

// Minus the logarithm of the probability that a target like its siblings returns none of its n new flows.
// With the siblings' share p known for certain that is n·ln(1/(1-p)). It is known from t flows of which c
// returned, so this is the beta-binomial's, which is smaller, and equal for many flows: ln Γ(c+b+n) Γ(b) /
// (Γ(c+b) Γ(b+n)), b = t-c+1. 0 until the flows have had comparison_time to return: packets were sent after
// it, and none has returned since.
double OutlierDetector::surprisal(const Member &member, const Totals &siblings) const {
    const auto flows = member.last.new_flows_started - member.started_base;
    if (flows < comparison_flows || member.last_out - *member.first_started < comparison_time)
        return 0;
    if (!settings_.flows_are_independent && member.last.packets_returned != 0)
        return 0;
    if (siblings.started < member.siblings_base.started ||
        siblings.confirmed < member.siblings_base.confirmed)
        return 0; // a sibling has been removed
    const auto started = siblings.started - member.siblings_base.started;
    const auto confirmed = std::min(started, siblings.confirmed - member.siblings_base.confirmed);
    const auto n = static_cast<double>(flows), c = static_cast<double>(confirmed);
    const auto b = static_cast<double>(started - confirmed) + 1;
    return std::lgamma(c + b + n) + std::lgamma(b) - std::lgamma(c + b) - std::lgamma(b + n);
}

// Flows that became outstanding long ago and far apart do not add up: a firewall may have blocked each of
// them.
void OutlierDetector::expire(Member &member, const Totals &siblings, MonotonicTime now) const {
    const auto horizon = member.in_band_works
                             ? Duration(horizon_in_band)
                             : std::max(Duration(horizon_without_in_band), Duration(2 * settings_.window));
    const bool probes_done = member.suspicion == Suspicion::none || member.probes == max_probes;
    if (member.unanswered_since && now - *member.unanswered_since > horizon && probes_done &&
        member.suspicion != Suspicion::comparison && (!member.in_band_works || !member.suspect_since) &&
        !member.eject_since) {
        member.suspicion = Suspicion::none;
        reset_outstanding(member, member.last.outstanding_started);
    }
    if (member.suspicion == Suspicion::none && now - member.compared_since > max_comparison)
        reset_comparison(member, siblings, now);
}

void OutlierDetector::eject(Member &member, const Totals &siblings, MonotonicTime now, Actions &actions) {
    auto description = describe(member, siblings, now);
    if (!below_ejection_limit()) {
        member.spared = true;
        actions.push_back(
            {DetectorAction::Kind::skip_ejection, member.last.target, false, std::move(description)});
        return;
    }
    const bool group_outage = is_group_outage(member, now);
    if (group_outage)
        last_group_outage_ = now;
    actions.push_back(
        {DetectorAction::Kind::eject, member.last.target, group_outage, std::move(description)});
    member.suspicion = Suspicion::none;
    member.last.ejected = true; // as the caller reports from the next poll on
    reset_outstanding(member, member.last.outstanding_started);
    reset_comparison(member, siblings, now);
}

// All members with traffic, at least two, are unresponsive. Members ejected within the last second in the
// same outage count as well. A member that has returned nothing since the outage belongs to it, also if others
// have recovered meanwhile.
bool OutlierDetector::is_group_outage(const Member &member, MonotonicTime now) const {
    if (last_group_outage_ && member.last_return < *last_group_outage_ &&
        now - *last_group_outage_ < outage_memory)
        return true;
    bool others_unresponsive = last_group_outage_ && now - *last_group_outage_ < 1s;
    for (const auto &[target, other] : members_) {
        if (&other == &member || other.last.ejected)
            continue;
        if (now - other.last_return < unanswered_time)
            return false;
        others_unresponsive |= other.unanswered_since && now - *other.unanswered_since >= unanswered_time / 2;
    }
    return others_unresponsive;
}

bool OutlierDetector::below_ejection_limit() const {
    const auto ejected = std::count_if(members_.begin(), members_.end(),
                                       [](const auto &row) { return row.second.last.ejected; });
    const auto limit = members_.size() * settings_.max_ejected_percent / 100;
    return static_cast<std::size_t>(ejected) < std::max<std::size_t>(1, limit);
}

std::string OutlierDetector::describe(const Member &member, const Totals &siblings, MonotonicTime now) {
    if (member.suspicion == Suspicion::unanswered)
        return fmt::format("{} flows unanswered, no return traffic for {} ms", member.newly_outstanding,
                           to_ms(now - *member.unanswered_since));
    const auto started = siblings.started - member.siblings_base.started;
    const auto confirmed = siblings.confirmed - member.siblings_base.confirmed;
    return fmt::format("none of {} new flows returned in {} ms, other targets returned {} of {}",
                       member.last.new_flows_started - member.started_base,
                       to_ms(now - *member.first_started), confirmed, started);
}

void OutlierDetector::on_answer(std::uint16_t target, MonotonicTime sent) {
    const auto found = members_.find(target);
    if (found == members_.end())
        return;
    auto &member = found->second;
    member.in_band_works = true;
    member.missed = 0;
    if (member.suspicion != Suspicion::none && sent >= member.suspected_at)
        member.answered = true;
}

bool OutlierDetector::on_missed(std::uint16_t target) {
    const auto found = members_.find(target);
    if (found == members_.end())
        return false;
    auto &member = found->second;
    if (member.missed++ == 0)
        member.returned_at_miss = member.last.packets_returned;
    if (member.missed < max_missed || member.last.packets_returned == member.returned_at_miss)
        return false;
    return std::exchange(member.in_band_works, false);
}

void OutlierDetector::on_unsent(std::uint16_t target, MonotonicTime now) {
    if (const auto found = members_.find(target); found != members_.end()) {
        found->second.probes = 0;
        found->second.next_probe = now + resend_delay;
    }
}

bool OutlierDetector::in_band_works(std::uint16_t target) const {
    const auto found = members_.find(target);
    return found != members_.end() && found->second.in_band_works;
}

} // namespace glb::health
