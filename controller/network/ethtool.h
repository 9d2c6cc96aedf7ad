// Offload settings of an interface (ethtool ioctls).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/util/result.h"

namespace glb {

enum class Offload : std::uint8_t {
    rx_vlan, ///< the driver strips VLAN tags before XDP runs
    lro,
    gro,
};

[[nodiscard]] std::string_view to_string(Offload offload); ///< as in ethtool -K

/// Fails with EOPNOTSUPP where the driver does not support the setting.
[[nodiscard]] Result<bool> get_offload(const std::string &interface, Offload offload);
[[nodiscard]] Status set_offload(const std::string &interface, Offload offload, bool on);

} // namespace glb
