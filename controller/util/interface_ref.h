// InterfaceRef: a network interface and the VLAN tags that select traffic on it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace glb {

struct InterfaceRef {
    std::string name;
    std::vector<std::uint16_t> vlans; ///< 0 to 2 VLAN ids, outermost first; each 1 to 4094

    auto operator<=>(const InterfaceRef &) const = default;
};

/// `eth1`, `eth1 vlan 100`, `eth1 vlan 100.7`; for messages.
[[nodiscard]] std::string to_string(const InterfaceRef &interface);

/// The name of the interface in the process's network namespace, else "interface 7"; for messages.
[[nodiscard]] std::string interface_name(unsigned ifindex);

} // namespace glb
