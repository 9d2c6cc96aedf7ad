// GuardAdapter: GuardPort over the guard.
#pragma once

#include <utility>

#include "controller/control/ports/guard_port.h"
#include "controller/guard/diagnostics.h"
#include "controller/guard/guard.h"

namespace glb::adapters {

class GuardAdapter final : public control::GuardPort {
  public:
    explicit GuardAdapter(guard::Guard guard) : guard_(std::move(guard)) {}

    Status install(const plan::GuardPlan &plan) override { return guard_.install(plan); }
    bool matches(const plan::GuardPlan &plan) const override { return guard_.matches(plan); }
    Status set_magic(std::uint32_t magic) override { return guard_.set_magic(magic); }
    Result<control::GuardCheck> check() override {
        auto report = guard_.check_and_repair();
        return control::GuardCheck{std::move(report.repaired), std::move(report.conditions),
                                   std::move(report.whole), report.counted, report.counter};
    }
    Status remove() override { return guard_.remove(); }
    int events_fd() override { return guard_.monitor().fd(); }
    bool drain_events() override { return guard_.monitor().drain(); }
    Status check_owner() override { return guard_.check_owner(); }
    Result<bool> restore(const std::vector<std::string> &known_devices, bool anew) override {
        return guard_.restore(known_devices, anew);
    }
    Result<std::optional<std::string>> collect(bool dry_run) override { return guard_.collect(dry_run); }
    std::vector<Condition> missing_forwarding(const std::set<std::string> &devices) const override {
        return guard::missing_forwarding(devices);
    }

  private:
    guard::Guard guard_;
};

} // namespace glb::adapters
