// The sockets towards the node.
#pragma once

#include <cstdint>
#include <vector>

#include "appliance/options.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::appliance {

/// `count` UDP sockets on one address, non-blocking. The kernel chooses among them by addresses and ports, so
/// all packets of a flow, whose outer source port is one in both directions, arrive at one. They tell each
/// packet's destination and TOS in control messages. Fails where anybody else has the port.
[[nodiscard]] Result<std::vector<Fd>> open_receivers(UdpAddress listen, std::size_t count);

/// A raw socket for whole IPv4 packets: the UDP source port on the way back is another for each flow. Sending
/// waits at most 100 ms for a full queue.
[[nodiscard]] Result<Fd> open_sender();

/// Packets that the kernel has dropped because a receiver's buffer was full.
[[nodiscard]] std::uint64_t overruns(int receiver);

} // namespace glb::appliance
