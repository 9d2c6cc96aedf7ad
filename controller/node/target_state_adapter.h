// TargetStateAdapter: the loaded data path as the health engine sees it.
#pragma once

#include "controller/datapath/program.h"
#include "controller/health/datapath_port.h"

namespace glb {

/// `program` must outlive it: detach the engine before it is replaced.
class TargetStateAdapter final : public TargetStatePort {
  public:
    explicit TargetStateAdapter(datapath::Program &program) : program_(program) {}

    Status set_target_state(std::uint16_t target, std::uint64_t state) override {
        return program_.set_target_state(target, state);
    }
    Status set_group_action(std::uint16_t group, glb_no_target_action action) override {
        return program_.set_group_action(group, action);
    }
    Status set_fallback(std::uint16_t group, std::span<const std::uint16_t> targets) override {
        return program_.set_fallback(group, targets);
    }
    std::optional<glb_target_count> target_count(std::uint16_t target) override {
        const auto count = program_.target_count(target);
        return count ? std::optional(*count) : std::nullopt;
    }
    int event_fd() const override { return program_.event_fd(); }
    Status poll_events(const std::function<void(const glb_event &)> &on_event) override {
        return program_.drain_events(on_event);
    }

  private:
    datapath::Program &program_;
};

} // namespace glb
