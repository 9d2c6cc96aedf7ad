// Sockets for traffic with nodes.
#pragma once

#include <cstdint>
#include <vector>

#include "appliance/options.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::appliance {

/// `count` non-blocking UDP sockets on one address. The kernel selects one by addresses and ports, so all
/// packets of a flow, which have the same outer source port in both directions, arrive at the same socket.
/// Control messages contain destination and TOS. Fails if the port is in use.
[[nodiscard]] Result<std::vector<Fd>> open_receivers(UdpAddress listen, std::size_t count);

/// A raw socket for complete IPv4 packets, since the UDP source port differs per flow. Sending waits at most
/// 100 ms for a full queue.
[[nodiscard]] Result<Fd> open_sender();

/// Packets dropped by the kernel because the receive buffer was full.
[[nodiscard]] std::uint64_t overruns(int receiver);

} // namespace glb::appliance
