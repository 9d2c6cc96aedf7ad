// Packet marks that identify the TUN device on which a packet was received.
#pragma once

#include <cstdint>
#include <string>

#include "controller/util/result.h"

namespace glb::appliance {

/// The bits of the mark that this program uses; the upper half is available to the firewall.
inline constexpr std::uint32_t mark_mask = 0xffff;

/// Marks every packet received on a device, by a tc filter at ingress that is removed with the device. Needs
/// no kernel module, and does not depend on nftables tables that may be flushed.
[[nodiscard]] Status mark_ingress(const std::string &device, unsigned ifindex, std::uint32_t mark);

} // namespace glb::appliance
