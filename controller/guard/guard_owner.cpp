// Guard: whose it is, and what a daemon does that does not know what to guard.
#include "controller/guard/guard.h"

#include <net/if.h>

namespace glb::guard {

namespace {

/// Blocks everything that enters by `devices`. With magic 0 it admits no punted packet, so any endpoint will do.
plan::GuardPlan plan_of_devices(const std::vector<std::string> &devices, std::uint32_t mark_mask) {
    plan::GuardPlan plan;
    if (mark_mask)
        plan.mark_mask = mark_mask;
    for (const auto &device : devices) {
        plan::GuardedPort port;
        port.interface = device;
        port.devices = {device};
        port.ifindex = ::if_nametoindex(device.c_str());
        port.endpoint = 0;
        plan.ports.push_back(std::move(port));
    }
    return plan;
}

} // namespace

Result<FoundGuard> Guard::find_owner() {
    std::error_code code;
    return owner_.find(
        nftables_, netlink_,
        {plan_ || saved_.exists(), std::filesystem::exists(paths_.pins / "glb_guard_ports", code)});
}

Status Guard::check_owner() {
    GLB_ASSIGN(const auto found, find_owner());
    return check_ownership(found);
}

Result<bool> Guard::restore(const std::vector<std::string> &known_devices, bool anew) {
    GLB_TRY(check_owner());
    anew = anew && !known_devices.empty();
    GLB_ASSIGN(const auto table, nftables_.list("table inet glb"));
    const bool stands =
        is_installed_ || table.find(" drop") != std::string::npos; // a flushed table blocks nothing
    if (!anew && stands)
        return true;
    auto devices = known_devices;
    if (saved_->devices && !anew)
        devices.assign(saved_->devices->begin(), saved_->devices->end());
    if (devices.empty())
        return false;
    GLB_TRY(install(plan_of_devices(devices, saved_->mark_mask)));
    magic_ = 0; // of a data path that still runs: its endpoints are not those of this plan
    if (program_)
        GLB_TRY(program_->set_magic(0));
    return true;
}

Result<std::optional<std::string>> Guard::collect(bool dry_run) {
    GLB_ASSIGN(const auto found, find_owner());
    if (found.ownership != Ownership::abandoned)
        return std::nullopt;
    if (!dry_run)
        GLB_TRY(remove_walls());
    return found.owner ? to_string(*found.owner) : "an unknown owner";
}

} // namespace glb::guard
