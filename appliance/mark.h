// The mark that says by which TUN device a packet came in.
#pragma once

#include <cstdint>
#include <string>

#include "controller/util/result.h"

namespace glb::appliance {

/// The bits of a packet's mark that are this program's; the upper half is the firewall's own.
inline constexpr std::uint32_t mark_mask = 0xffff;

/// Gives `mark` to every packet that comes in by a device: a tc filter at its ingress, which goes with it. No
/// kernel module is needed for it, and no nftables table that somebody may flush.
[[nodiscard]] Status mark_incoming(const std::string &device, unsigned ifindex, std::uint32_t mark);

} // namespace glb::appliance
