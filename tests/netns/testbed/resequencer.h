// An appliance that gives each end of a TCP connection other sequence numbers than its peer's.
#pragma once

#include <cstdint>

#include "tests/netns/testbed/appliance.h"

namespace glb::test {

/// Shifts the sequence numbers of clients of that TCP port (IPv4), for connections that begin later. The
/// appliance, of kind `reference`, must have received a packet of each endpoint: its TUN devices exist then.
void shift_sequence_numbers(const Appliance &appliance, std::uint16_t server_port, std::uint32_t shift);

} // namespace glb::test
