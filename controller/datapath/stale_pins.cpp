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

Result<std::vector<StalePin>> find_stale_pins(const std::filesystem::path &bpffs, const Pins &own) {
    GLB_ASSIGN(const auto found, find_pin_sets(bpffs));
    const auto in_force = std::find_if(found.sets.begin(), found.sets.end(),
                                       [&](const PinSet &set) { return set.pins.name() == own.name(); });
    const auto looked_into = in_force == found.sets.end() ? 0 : in_force->facts.previous_table_id;
    std::vector<StalePin> leftovers;
    for (const auto &set : found.sets)
        if (set.pins.name() != own.name() && set.facts.interfaces == 0 &&
            (looked_into == 0 || set.facts.table_id != looked_into))
            leftovers.push_back(
                {"maps", (bpffs / set.pins.name()).string(), [pins = set.pins] { return pins.remove(); }});
    for (const auto ifindex : own.links())
        if (const auto pin = own.link(ifindex); is_dead_link(pin))
            leftovers.push_back({"link", pin.string(), [pin] { return unlink_pin(pin); }});
    return leftovers;
}

} // namespace glb::datapath
