// Names of the endpoints' devices.
#pragma once

#include <cstdint>
#include <string>

#include "controller/util/endpoint_id.h"

namespace glb::appliance {

/// "gwi-" and the last 11 digits: the kernel allows 15 characters. Two ids may have the same name; the caller
/// must reject the second.
inline std::string device_name(std::uint64_t id) {
    return "gwi-" + format_endpoint_id(id).substr(11);
}

} // namespace glb::appliance
