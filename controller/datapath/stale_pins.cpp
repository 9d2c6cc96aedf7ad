#include "controller/datapath/stale_pins.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

#include <bpf/bpf.h>

#include "controller/datapath/pin_sets.h"

namespace glb::datapath {

namespace {

/// Whether the pin is an XDP link whose interface is gone.
bool is_dead_link(const std::filesystem::path &pin) {
    const Fd fd(bpf_obj_get(pin.c_str()));
    bpf_link_info info{};
    std::uint32_t size = sizeof info;
    return fd && bpf_obj_get_info_by_fd(fd.get(), &info, &size) == 0 && info.type == BPF_LINK_TYPE_XDP &&
           info.xdp.ifindex == 0;
}

Status unlink_pin(const std::filesystem::path &pin) {
    if (::unlink(pin.c_str()) != 0 && errno != ENOENT)
        return fail_errno(errno, "cannot remove the pin {}", pin.string());
    return {};
}

} // namespace

Result<std::vector<StalePin>> find_stale_pins(const std::filesystem::path &bpffs, const Pins &active) {
    GLB_ASSIGN(const auto found, find_pin_sets(bpffs));
    const auto active_set = std::find_if(found.sets.begin(), found.sets.end(),
                                         [&](const PinSet &set) { return set.pins.name() == active.name(); });
    const auto previous_table = active_set == found.sets.end() ? 0 : active_set->info.previous_table_id;
    std::vector<StalePin> stale;
    for (const auto &set : found.sets)
        if (set.pins.name() != active.name() && set.info.interfaces == 0 &&
            (previous_table == 0 || set.info.table_id != previous_table))
            stale.push_back(
                {"maps", (bpffs / set.pins.name()).string(), [pins = set.pins] { return pins.remove(); }});
    GLB_ASSIGN(const auto links, active.links());
    for (const auto ifindex : links)
        if (const auto pin = active.link(ifindex); is_dead_link(pin))
            stale.push_back({"link", pin.string(), [pin] { return unlink_pin(pin); }});
    return stale;
}

} // namespace glb::datapath
