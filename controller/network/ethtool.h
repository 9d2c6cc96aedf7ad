// Offloads of an interface, by the ethtool ioctls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/util/result.h"

namespace glb {

enum class Offload : std::uint8_t {
    rx_vlan, ///< the driver takes VLAN tags off before XDP sees them
    lro,
    gro,
};

[[nodiscard]] std::string_view to_string(Offload offload); ///< as ethtool -K spells it

/// Fails with EOPNOTSUPP where the driver has no such switch.
[[nodiscard]] Result<bool> get_offload(const std::string &interface, Offload offload);
[[nodiscard]] Status set_offload(const std::string &interface, Offload offload, bool on);

} // namespace glb
