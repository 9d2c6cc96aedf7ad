// GuardPort: the guard as control uses it. See guard/guard.h.
#pragma once

#include <cstdint>
#include <optional>
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

    /// Installs the plan and removes what belongs to older ones. EBUSY if the guard in the kernel is another
    /// daemon's, as check_owner().
    [[nodiscard]] virtual Status install(const plan::GuardPlan &plan) = 0;
    /// True if the last install() succeeded with this plan: check() suffices.
    [[nodiscard]] virtual bool matches(const plan::GuardPlan &plan) const = 0;
    /// The punt magic of the loaded data path. After install().
    [[nodiscard]] virtual Status set_magic(std::uint32_t magic) = 0;
    /// Restores what is missing of the installed plan.
    [[nodiscard]] virtual Result<GuardCheck> check() = 0;
    /// Not the guard of another daemon.
    [[nodiscard]] virtual Status remove() = 0;

    /// Readable while the kernel has notifications of changes to parts of the guard; -1 if there is no descriptor.
    [[nodiscard]] virtual int events_fd() = 0;
    /// Consumes them. True if a part may have been changed: check() tells.
    [[nodiscard]] virtual bool drain_events() = 0;
    [[nodiscard]] virtual Status check_owner() = 0;
    /// For a daemon without a manifest that may have had one: keeps the guard that stands, else blocks the devices of
    /// the last plan, else `known_devices`. `anew`: blocks `known_devices` whatever stands. False: there is nothing to
    /// guard.
    [[nodiscard]] virtual Result<bool> restore(const std::vector<std::string> &known_devices, bool anew) = 0;
    /// Whose the guard is whose daemon is gone for good; nullopt: there is none. Removes it unless `dry_run`.
    [[nodiscard]] virtual Result<std::optional<std::string>> collect(bool dry_run) = 0;

    /// The forwarding sysctls of these devices that are off.
    [[nodiscard]] virtual std::vector<Condition>
    missing_forwarding(const std::set<std::string> &devices) const = 0;
};

} // namespace glb::control
