// Flows that have an entry before the first input, and the frames that their targets received.
#pragma once

#include <vector>

#include "tests/harness/packet.h"
#include "tests/native/native_rig.h"
#include "tests/native/sample.h"

namespace glb::fuzz {

/// The first bytes of an input of fuzz_return.
struct Control {
    std::uint8_t front = 0;  ///< the headers prepended to the rest, see below
    std::uint8_t linear = 0; ///< 0: all; else the linear part has 14 bytes and twice this
    std::uint8_t driver = 0; ///< bits below
    std::uint8_t egress = 0; ///< 0 to 2: a route with that many VLAN tags; 3: none
};
inline constexpr std::size_t control_bytes = 4;

enum Front : std::uint8_t {
    front_nothing,  ///< the rest is the frame
    front_target_0, ///< Ethernet, VLAN, IP and UDP of this target; the rest starts with GENEVE
    front_target_1,
    front_flow, ///< the same and GENEVE of flow number `front` / 4, from its owner; the rest is the inner
                ///< packet
};
enum DriverBit : std::uint8_t {
    driver_no_metadata = 1,
    driver_little_headroom = 2, ///< 2 bytes
    driver_forged_metadata = 4, ///< the frame arrives with 12 bytes of metadata
    driver_strict_cookie = 8,   ///< not of the driver: the group requires exact cookies
    driver_any_checksum = 16,   ///< not of the driver: checksums of IPv4 headers are not corrected
};

/// A flow that was sent: the inner packet, the frame that its target received, and the target's index.
struct Flow {
    test::Bytes inner;
    test::Bytes sent;
    unsigned target = 0;
};

/// Sends a packet of each kind, then saves the tables.
[[nodiscard]] std::vector<Flow> enter_flows(test::NativeRig &rig);

/// The frame in which `target` returns this UDP payload.
[[nodiscard]] test::Bytes from_target(unsigned target, const test::Bytes &behind_udp);

/// Offsets of the outer IP packet, GENEVE and the inner packet in a frame that a target receives.
inline constexpr std::size_t outer_at = 18, geneve_at = outer_at + 28, inner_at = geneve_at + 40;

using test::node_mac;

} // namespace glb::fuzz
