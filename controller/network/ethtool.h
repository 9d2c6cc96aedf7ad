// Offload settings of an interface (ethtool ioctls).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/util/result.h"

namespace glb::network {

enum class OffloadFeature : std::uint8_t {
    rx_vlan, ///< the driver strips VLAN tags before XDP runs
    lro,
    gro,
};

[[nodiscard]] std::string_view to_string(OffloadFeature feature); ///< as in ethtool -K

/// Fails with EOPNOTSUPP if the driver does not support the setting.
[[nodiscard]] Result<bool> get_offload(const std::string &interface, OffloadFeature feature);
[[nodiscard]] Status set_offload(const std::string &interface, OffloadFeature feature, bool on);

} // namespace glb::network
