// Guard: keeps the kernel from forwarding past the appliances whatever is or is not attached. tc filter,
// nftables table `inet glb`, routing rules and sysctls; all of it outlives the daemon, and goes with
// remove().
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "controller/guard/guard_program.h"
#include "controller/guard/nftables.h"
#include "controller/guard/saved_state.h"
#include "controller/network/netlink.h"
#include "controller/plan/guard_plan.h"

namespace glb::guard {

struct GuardReport {
    bool installed = false;
    std::vector<std::string> repaired; ///< what was gone or changed, and is back
    std::vector<std::string> warnings;
};

struct GuardPaths {
    std::filesystem::path pins;  ///< a folder of ours on a bpffs, for the maps
    std::filesystem::path state; ///< the file of SavedState
};

/// Every call must come from a thread in the network namespace in which open() was called.
class Guard {
  public:
    [[nodiscard]] static Result<Guard> open(GuardPaths paths);

    /// Makes the kernel hold this plan and no older one. Idempotent; takes over what an earlier daemon left.
    /// What stays guarded is guarded at every moment: rules before filters, new before old, filters replaced
    /// in place.
    [[nodiscard]] Status install(const GuardPlan &plan);

    /// Whether this is the plan installed last, and wholly: then check_and_repair() mends it, and tells what
    /// was gone.
    [[nodiscard]] bool holds(const GuardPlan &plan) const { return whole_ && plan_ == plan; }

    /// The magic of the loaded data path; 0: nothing passes. Call it after install().
    [[nodiscard]] Status set_magic(std::uint32_t magic);

    /// Compares the kernel with the plan and puts back what is gone; a few netlink requests where nothing is.
    /// Interfaces are looked up by name again, so one that was deleted and came back is guarded anew.
    [[nodiscard]] Result<GuardReport> check_and_repair();

    /// What was dropped uninspected. Does not go down, even where somebody flushed the table.
    [[nodiscard]] Result<PacketCount> uninspected();

    /// Takes away all that is ours and puts sysctls back. Goes on after a failure and returns the first.
    [[nodiscard]] Status remove();

  private:
    Guard(GuardPaths paths, Netlink netlink, Nftables nftables)
        : paths_(std::move(paths)), netlink_(std::move(netlink)), nftables_(std::move(nftables)) {}
    [[nodiscard]] Status load_program(std::uint32_t mark_mask);
    [[nodiscard]] Status keep_former();
    [[nodiscard]] Status write_table();
    [[nodiscard]] Status repair_table(GuardReport &report);
    [[nodiscard]] Status repair_rules(GuardReport &report);
    [[nodiscard]] Status repair_sysctls(GuardReport &report);
    [[nodiscard]] Status repair_filters(GuardReport &report);
    [[nodiscard]] Status remove_stale_rules(const std::vector<Rule> &wanted);
    [[nodiscard]] Status remove_stale_filters(const std::vector<unsigned> &wanted);
    [[nodiscard]] Status restore_sysctls(const std::vector<Sysctl> &wanted);
    [[nodiscard]] bool resolve_interfaces();

    GuardPaths paths_;
    Netlink netlink_;
    Nftables nftables_;
    SavedState former_, kept_former_; ///< as it is, and as the file has it
    bool former_damaged_ = false;
    std::optional<GuardProgram> program_;
    std::optional<GuardPlan> plan_;
    bool whole_ = false; ///< the last install() went through
    std::uint32_t magic_ = 0;
    PacketCount counted_;
    std::string table_;            ///< the listing of our table as it shall be
    std::uint32_t generation_ = 0; ///< at which it was so; 0: unknown
    std::vector<std::string> table_warnings_;
};

} // namespace glb::guard
