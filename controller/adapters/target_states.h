// TargetStates: the health engine's TargetStatePort over the maps of a loaded data path.
#pragma once

#include "controller/datapath/counter_reader.h"
#include "controller/datapath/event_reader.h"
#include "controller/datapath/state_writer.h"
#include "controller/health/datapath_port.h"

namespace glb::adapters {

class TargetStates final : public health::TargetStatePort {
  public:
    explicit TargetStates(const datapath::DatapathHandlesPtr &handles)
        : state_(handles), counters_(handles), events_(handles) {}

    Status set_target_state(std::uint16_t target, std::uint64_t state) override {
        return state_.set_target_state(target, state);
    }
    Status set_group_action(std::uint16_t group, glb_no_target_action action) override {
        return state_.set_group_action(group, action);
    }
    Status set_fallback(std::uint16_t group, std::span<const std::uint16_t> targets) override {
        return state_.set_fallback(group, targets);
    }
    std::optional<glb_target_count> target_count(std::uint16_t target) override {
        const auto count = counters_.target_count(target);
        return count ? std::optional(*count) : std::nullopt;
    }
    int event_fd() const override { return events_.descriptor(); }
    Status poll_events(const std::function<void(const glb_event &)> &on_event) override {
        return events_.poll(on_event);
    }

  private:
    datapath::StateWriter state_;
    datapath::CounterReader counters_;
    datapath::EventReader events_;
};

} // namespace glb::adapters
