// Routing of a TUN device: packets received on it are sent through it, and no others.
#pragma once

#include <cstdint>
#include <string>

#include "lib/netlink/netlink.h"
#include "lib/netlink/rules.h"

namespace glb::appliance {

/// Protocol number of this program's rules and routes. glbd uses another one.
inline constexpr std::uint8_t route_protocol = 198;

/// Before main (32766), so that the host's default route does not apply to inspected packets.
inline constexpr std::uint32_t rule_priority = 5200;

/// An endpoint's device and its routing table; the table's number is also the device's mark.
struct RoutedDevice {
    std::string name;
    unsigned ifindex = 0;
    unsigned mtu = 0;
    std::uint32_t table = 0;
};

/// Sets sysctls of the network namespace: the kernel's replies (ICMP errors, RST) inherit marks, no
/// redirects, IPv6 forwarding. IPv4 forwarding is set per device.
[[nodiscard]] Status prepare_namespace();

/// Sets sysctls, mark, rules and routes of a new device, and brings it up. Devices may have overlapping
/// addresses: each has its own table, selected by device for forwarded packets and by mark for replies of the
/// kernel. On failure only the device remains.
[[nodiscard]] Status route_device(Netlink &netlink, const RoutedDevice &device);

/// Removes this program's rules for `count` tables from `first` on: at the end, and those of a killed
/// process. Routes are removed with their devices.
[[nodiscard]] Status remove_rules(Netlink &netlink, std::uint32_t first, std::size_t count);

} // namespace glb::appliance
