// The golden packet of the wire format: node to appliance, and the appliance's reply.
#pragma once

#include "tests/harness/bytes.h"

namespace glb::test {

/// The outer IPv4 packet from node 10.0.1.10 to target 10.0.1.20: endpoint vpce-02b8ee1d4db0c51c4,
/// cookie 0xdeadbeef, entropy port 40001; inside, UDP 192.0.2.10:12345 to 198.51.100.20:53, "hi".
[[nodiscard]] Bytes golden_out();

/// The reply: identical except for swapped outer addresses, TTL 2 and the header checksum.
[[nodiscard]] Bytes golden_return();

inline constexpr std::uint64_t golden_endpoint = 0x2b8ee1d4db0c51c4;
inline constexpr std::uint32_t golden_cookie = 0xdeadbeef;

} // namespace glb::test
