// Sockets of active probes.
#pragma once

#include <cstdint>
#include <string>

#include "controller/util/address.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::health {

/// Source of probes. The kernel selects what is empty.
struct ProbeSource {
    IpAddress address;      ///< the tunnel's
    std::string device;     ///< SO_BINDTODEVICE; needs CAP_NET_RAW if the kernel is older than 5.7
    std::uint32_t mark = 0; ///< SO_MARK; needs CAP_NET_ADMIN

    bool operator==(const ProbeSource &) const = default;
};

/// A non-blocking TCP socket of `family` (4 or 6), bound to `source`, that closes with a RST (SO_LINGER 0):
/// neither side enters TIME_WAIT, which would accumulate with thousands of probes per second.
[[nodiscard]] Result<Fd> open_probe_socket(std::uint8_t family, const ProbeSource &source);

} // namespace glb::health
