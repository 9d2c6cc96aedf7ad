#include "tests/unit/health/traffic_sim.h"

namespace glb::test {

TrafficSim::TrafficSim(unsigned seed, unsigned targets, Treat treat, health::DetectorSettings settings)
    : random_(seed), treat_(std::move(treat)), detector_(settings), traffic_(targets) {
    for (unsigned i = 0; i < targets; ++i)
        traffic_[i].target = static_cast<std::uint16_t>(i);
}

void TrafficSim::run(Micros end) {
    at(chance(0ms, 5ms), What::poll);
    for (const auto &row : traffic_)
        if (background_ > 0ms)
            at(chance(0ms, background_), What::probe, row.target, true);
    while (!events_.empty() && events_.top().at <= end) {
        const auto event = events_.top();
        events_.pop();
        now_ = event.at;
        act(event);
    }
}

void TrafficSim::act(const Event &event) {
    const auto target = static_cast<std::uint16_t>(event.index);
    switch (event.what) {
    case What::begin:
        return begin(event.index);
    case What::send:
        return send(event.index);
    case What::on_return:
        return on_return(event.index, event.flag);
    case What::poll:
        return poll();
    case What::probe:
        return probe(target, event.flag);
    case What::answer:
        if (in_outage_.erase(target))
            traffic_[target].ejected = false;
        return detector_.on_answer(target, clock(event.sent));
    case What::missed:
        return (void)detector_.on_missed(target);
    }
}

void TrafficSim::add(const FlowPlan &plan) {
    flows_.push_back(Flow{plan});
    at(plan.start, What::begin, flows_.size() - 1);
}

void TrafficSim::begin(std::size_t index) {
    auto &flow = flows_[index];
    const auto is_out = [](const health::TargetCounters &row) { return row.ejected; };
    if (flow.plan.target) {
        flow.target = *flow.plan.target;
    } else {
        do
            flow.target = static_cast<std::uint16_t>(random_() % traffic_.size());
        while (is_out(traffic_[flow.target]) && !std::all_of(traffic_.begin(), traffic_.end(), is_out));
    }
    send(index);
}

void TrafficSim::send(std::size_t index) {
    auto &flow = flows_[index];
    auto &row = traffic_[flow.target];
    if (now_ > flow.plan.end)
        return;
    const bool is_first = !flow.started;
    ++row.packets_out;
    if (is_first) {
        flow.started = true;
        row.new_flows_started += endpoints_seen_.contains(flow.plan.endpoint);
    }
    const bool established = flow.returns >= 2;
    if (established && !flow.outstanding && seen_.contains({flow.plan.endpoint, flow.target})) {
        flow.outstanding = true;
        ++row.outstanding_started;
    }
    if (const auto delay = treat_({flow.target, flow.plan.endpoint, index, is_first, now_}))
        at(now_ + *delay, What::on_return, index, is_first);
    Micros pause(static_cast<long long>(
        std::exponential_distribution<double>(1.0 / static_cast<double>(flow.plan.pause.count()))(random_)));
    if (flow.plan.syn && flow.returns == 0)
        pause = std::max(pause, Micros(1s) * (1 << std::min(flow.syns++, 6)));
    at(now_ + pause, What::send, index);
}

void TrafficSim::on_return(std::size_t index, bool was_first) {
    auto &flow = flows_[index];
    auto &row = traffic_[flow.target];
    ++row.packets_returned;
    row.new_flows_confirmed += flow.returns == 0 && was_first && endpoints_seen_.contains(flow.plan.endpoint);
    endpoints_seen_.insert(flow.plan.endpoint);
    seen_.insert({flow.plan.endpoint, flow.target});
    if (++flow.returns == 1 && flow.plan.syn) // the responder has answered, the initiator continues
        at(now_ + chance(100us, 2ms), What::send, index);
    if (flow.outstanding) {
        flow.outstanding = false;
        ++row.outstanding_cleared;
    }
}

void TrafficSim::poll() {
    auto next = now_ + health::OutlierDetector::poll_interval + chance(0us, 300us);
    for (const auto &action : detector_.poll(traffic_, clock(now_))) {
        if (action.kind == health::DetectorAction::Kind::probe)
            probe(action.target, false);
        else
            actions_.push_back({now_, action});
        if (action.kind == health::DetectorAction::Kind::eject) {
            traffic_[action.target].ejected = true;
            if (action.group_outage)
                in_outage_.insert(action.target);
        }
    }
    if (now_ - outage_probed_ >= 100ms) { // as PassiveMonitor does
        outage_probed_ = now_;
        for (const auto target : in_outage_)
            probe(target, false);
    }
    for (const auto &[from, to] : stalls_)
        if (next >= from && next < to)
            next = to;
    at(next, What::poll);
}

void TrafficSim::probe(std::uint16_t target, bool is_background) {
    const auto delay = treat_({target, -1, SIZE_MAX, true, now_});
    if (delay) {
        auto when = now_ + *delay;
        for (const auto &[from, to] : stalls_)
            if (when >= from && when < to)
                when = to;
        at(when, What::answer, target, false, now_);
    }
    if (!is_background)
        return;
    if (!delay || *delay > 500ms)
        at(now_ + 500ms, What::missed, target);
    at(now_ + background_, What::probe, target, true);
}

std::size_t TrafficSim::count(health::DetectorAction::Kind kind) const {
    return static_cast<std::size_t>(std::count_if(
        actions_.begin(), actions_.end(), [&](const TimedAction &row) { return row.action.kind == kind; }));
}

std::optional<Micros> TrafficSim::ejected_at(std::uint16_t target) const {
    for (const auto &row : actions_)
        if (row.action.kind == health::DetectorAction::Kind::eject && row.action.target == target)
            return row.at;
    return std::nullopt;
}

} // namespace glb::test
