// BridgeTable: the nftables table `bridge glb` of the guard (plan/guard_bridges.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/guard/nftables.h"
#include "controller/plan/guard_plan.h"
#include "controller/util/condition.h"

namespace glb::guard {

class BridgeTable {
  public:
    /// Sets the table to the plan, or removes it if the plan has no guarded bridges. Without it what enters by guarded
    /// bridges is not forwarded, so a failure is a condition.
    void write(Nftables &nftables, const plan::GuardPlan &plan);

    /// False if it was changed since write(), or could not be listed then.
    [[nodiscard]] Result<bool> is_intact(Nftables &nftables) const;

    /// write(), and adds the table to `repaired` if that has succeeded.
    void repair(Nftables &nftables, const plan::GuardPlan &plan, std::vector<std::string> &repaired);
    /// To be asked once per check: whether a write() that has failed is to be repeated now.
    [[nodiscard]] bool is_due() { return !error_.empty() && ++checks_ % checks_per_retry == 0; }

    /// The guarded bridges whose ports cannot be told apart.
    [[nodiscard]] std::vector<Condition> conditions(const plan::GuardPlan &plan) const;

    [[nodiscard]] static Status remove(Nftables &nftables);

  private:
    // There is a check per second, and one per change of nftables.
    static constexpr unsigned checks_per_retry = 30;

    std::optional<std::string> listing_;
    std::string error_; ///< of the last write(); empty: none
    unsigned checks_ = 0;
};

} // namespace glb::guard
