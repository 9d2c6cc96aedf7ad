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
/// neither side enters TIME_WAIT, which would accumulate with thousands of probes per second. See OrderlyCloser.
[[nodiscard]] Result<Fd> open_probe_socket(std::uint8_t family, const ProbeSource &source);

/// Starts to connect the non-blocking `socket`. Returns the error with which the connection failed at once (0: it is
/// established or in progress). An error of the Result is local: no SYN was sent, for lack of a route, a port, memory
/// or permission. A failed neighbour is no such error: the kernel reports it later.
[[nodiscard]] Result<int> start_connect(int socket, const IpAddress &address, std::uint16_t port);

} // namespace glb::health
