// GuardPort: the guard as control uses it. See guard/guard.h.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "controller/plan/guard_plan.h"
#include "controller/util/condition.h"
#include "controller/util/result.h"

namespace glb::control {

struct GuardCheck {
    std::vector<std::string> repaired; ///< what was missing or changed, and is restored
    std::vector<Condition> conditions; ///< what could not be restored, and what the guard cannot repair
    Status whole;                      ///< fails with the first failure to restore a part
    plan::PacketCount counted;         ///< blocked packets
    plan::PacketCount counter;         ///< value of the kernel's counter at that moment
};

/// Control thread.
class GuardPort {
  public:
    virtual ~GuardPort() = default;

    /// Installs the plan and removes what belongs to older ones.
    [[nodiscard]] virtual Status install(const plan::GuardPlan &plan) = 0;
    /// True if the last install() succeeded with this plan: check() suffices.
    [[nodiscard]] virtual bool matches(const plan::GuardPlan &plan) const = 0;
    /// The punt magic of the loaded data path. After install().
    [[nodiscard]] virtual Status set_magic(std::uint32_t magic) = 0;
    /// Restores what is missing of the installed plan.
    [[nodiscard]] virtual Result<GuardCheck> check() = 0;
    [[nodiscard]] virtual Status remove() = 0;

    /// Readable while the kernel has notifications of changes to parts of the guard; -1 if there is no descriptor.
    [[nodiscard]] virtual int events_fd() const = 0;
    /// Consumes them. True if a part may have been changed: check() tells.
    [[nodiscard]] virtual bool drain_events() = 0;

    /// The forwarding sysctls of these devices that are off.
    [[nodiscard]] virtual std::vector<Condition>
    missing_forwarding(const std::set<std::string> &devices) const = 0;
};

} // namespace glb::control
