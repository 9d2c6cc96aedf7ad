// Routing around a TUN device: what came in by it leaves by it, and nothing else does.
#pragma once

#include <cstdint>
#include <string>

#include "controller/network/netlink.h"
#include "controller/network/rules.h"

namespace glb::appliance {

/// FRA_PROTOCOL and RTA protocol of what is this program's; the node's daemon has a number of its own.
inline constexpr std::uint8_t own_protocol = 198;

/// Before main (32766), so that the appliance's own default route does not take inspected packets.
inline constexpr std::uint32_t rule_priority = 5200;

/// One endpoint's device and its routing table, whose number is the device's mark, too.
struct RoutedDevice {
    std::string name;
    unsigned ifindex = 0;
    unsigned mtu = 0;
    std::uint32_t table = 0;
};

/// What the whole network namespace needs: marks are given on to answers (ICMP errors, RST) that the kernel
/// makes, no redirects, IPv6 forwarding. IPv4 forwarding is set on the devices alone.
[[nodiscard]] Status prepare_namespace();

/// Sets sysctls, mark, rules and routes of a new device, and brings it up. Two devices may see the same
/// addresses: each has a table of its own, chosen by device for what is forwarded, and by mark for what the
/// kernel itself sends in answer. On failure nothing is left but the device.
[[nodiscard]] Status route_device(Netlink &netlink, const RoutedDevice &device);

/// Removes every rule of ours into one of the `count` tables from `first` on: at the end, and what a killed
/// process left. The routes have gone with their devices.
[[nodiscard]] Status remove_rules(Netlink &netlink, std::uint32_t first, std::size_t count);

} // namespace glb::appliance
