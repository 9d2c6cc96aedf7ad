// Guard: prevents the kernel from forwarding traffic past the appliances, whether or not the data path is
// attached. Consists of a tc filter, the nftables tables `inet glb` and, where a guarded interface is a port of a bridge,
// `bridge glb`, routing rules and sysctls, which persist after the daemon ends, until remove().
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/guard/bridge_table.h"
#include "controller/guard/guard_program.h"
#include "controller/guard/monitor.h"
#include "controller/guard/nftables.h"
#include "controller/guard/owner.h"
#include "controller/guard/saved_state.h"
#include "controller/network/snapshot.h"
#include "controller/plan/guard_plan.h"
#include "controller/util/condition.h"
#include "lib/netlink/netlink.h"

namespace glb::guard {

struct GuardReport {
    std::vector<std::string> repaired; ///< what was missing or changed, and is restored
    std::vector<Condition> conditions; ///< what could not be restored, and what the guard cannot repair
    Status whole;                      ///< fails with the first failure to restore a part
    plan::PacketCount counted;         ///< blocked packets, see uninspected()
    plan::PacketCount counter;         ///< value of the kernel's counter at that moment
};

struct GuardPaths {
    std::filesystem::path pins;     ///< a folder on a bpffs, for the maps
    std::filesystem::path state;    ///< file of SavedState, in the state directory
    std::filesystem::path run = {}; ///< directory of the daemon's socket
};

/// All calls must be made in the network namespace of open().
class Guard {
  public:
    [[nodiscard]] static Result<Guard> open(GuardPaths paths);

    /// Applies the plan and removes what belongs to older ones, including those of a previous daemon.
    /// Idempotent. Ports in both plans stay guarded throughout: rules before filters, new before old, filters
    /// replaced in place. nftables and routing rules, which need neither disk nor bpffs, come first; that the
    /// tc program or the state file is missing is a condition of check_and_repair(). EBUSY if the guard in the
    /// kernel is another daemon's: nothing is changed.
    [[nodiscard]] Status install(const plan::GuardPlan &plan);

    /// True if the last install() succeeded with this plan. check_and_repair() then suffices, and reports
    /// what was missing.
    [[nodiscard]] bool matches(const plan::GuardPlan &plan) const { return is_installed_ && plan_ == plan; }

    /// Sets the punt magic of the loaded data path; 0: no packet passes. Call this after install().
    [[nodiscard]] Status set_magic(std::uint32_t magic);

    /// Compares the kernel with the plan and restores what is missing; a few netlink requests if nothing is.
    /// Interfaces are resolved by name, so a deleted and recreated one is guarded again. A part that cannot be
    /// restored is a condition of severity error, and does not keep the others from being restored.
    [[nodiscard]] GuardReport check_and_repair();

    /// Readable when a part may have been changed.
    [[nodiscard]] Monitor &monitor() { return monitor_; }

    /// Packets blocked by the guard. Never decreases, even if the table was flushed or the counter reset.
    [[nodiscard]] Result<plan::PacketCount> uninspected();

    /// Removes the guard and restores sysctls. Continues after a failure and returns the first one. Does
    /// nothing to the guard of another daemon.
    [[nodiscard]] Status remove();

    /// Fails as install() if the guard in the kernel is another daemon's.
    [[nodiscard]] Status check_owner();

    /// For a daemon that does not know what to guard: keeps the guard that it finds; where there is none, blocks
    /// what enters by the devices of the last plan, else by `known_devices`. `anew`: blocks `known_devices`
    /// whatever stands. False: there is nothing to guard.
    [[nodiscard]] Result<bool> restore(const std::vector<std::string> &known_devices, bool anew = false);

    /// Whose the guard is whose daemon is gone for good; nullopt: there is none. Removes it unless `dry_run`.
    [[nodiscard]] Result<std::optional<std::string>> collect(bool dry_run);

  private:
    Guard(GuardPaths paths, Netlink netlink, Nftables nftables, Monitor monitor)
        : paths_(std::move(paths)), netlink_(std::move(netlink)), nftables_(std::move(nftables)),
          monitor_(std::move(monitor)), saved_(paths_.state),
          owner_(paths_.state.parent_path(), paths_.pins.parent_path(), paths_.run) {}
    [[nodiscard]] Result<FoundGuard> find_owner();
    [[nodiscard]] Status remove_walls();
    void load_program();
    [[nodiscard]] Status write_table();
    [[nodiscard]] Status run_ruleset();
    [[nodiscard]] Status write_ports();
    [[nodiscard]] Status write_punt_devices();
    [[nodiscard]] Status repair_table(GuardReport &report);
    [[nodiscard]] Status repair_rules(GuardReport &report);
    [[nodiscard]] Status repair_sysctls(GuardReport &report);
    [[nodiscard]] Status repair_filters(GuardReport &report);
    [[nodiscard]] Status repair_filter(unsigned ifindex, GuardReport &report);
    [[nodiscard]] Status repair_maps();
    [[nodiscard]] Status read_counter();
    void diagnose(GuardReport &report) const;
    [[nodiscard]] Status remove_stale_filters(const std::vector<unsigned> &wanted);
    [[nodiscard]] Status release_interface(const network::Link &link);
    [[nodiscard]] Status restore_sysctls(const std::vector<plan::Sysctl> &wanted);

    GuardPaths paths_;
    Netlink netlink_;
    Nftables nftables_;
    Monitor monitor_;
    SavedStateFile saved_;
    OwnerCheck owner_;
    std::optional<GuardProgram> program_;
    std::string program_error_; ///< why there is no program for the plan
    std::optional<plan::GuardPlan> plan_;
    bool is_installed_ = false;      ///< the last install() succeeded
    bool are_ports_written_ = false; ///< the program's maps have the plan's ports, with present indexes
    std::optional<std::map<std::uint16_t, PuntDevice>> punt_devices_; ///< as the program's maps have them
    std::optional<std::uint32_t> magic_;                              ///< nullopt: that of the pinned maps
    plan::PacketCount counted_;
    plan::PacketCount counter_; ///< as last read from the kernel
    bool has_probe_ = true;     ///< the active rules probe the routing rules
    /// Table `inet glb`.
    struct {
        std::optional<std::string>
            listing;                  ///< as expected; nullopt: it was not written, or could not be listed
        std::uint32_t generation = 0; ///< of nftables at the last comparison; 0: unknown
        std::vector<Condition> conditions; ///< of all tables at that time
    } table_;
    BridgeTable bridge_table_;
    std::map<std::string, unsigned>
        qdiscs_; ///< index of the interface when its qdisc was last seen as the guard's
};

} // namespace glb::guard
