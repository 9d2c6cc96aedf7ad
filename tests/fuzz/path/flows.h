// Flows that have an entry before anything is fuzzed, and what their targets got.
#pragma once

#include <vector>

#include "tests/harness/packet.h"
#include "tests/native/native_rig.h"

namespace glb::fuzz {

/// How an input of fuzz_return is to be read: its first bytes.
struct Control {
    std::uint8_t front = 0;  ///< what stands in front of the rest, see below
    std::uint8_t linear = 0; ///< 0, or how much of the frame lies in its linear part: 14 bytes and twice this
    std::uint8_t driver = 0; ///< bits below
    std::uint8_t egress = 0; ///< 0 to 2: a route by so many tags; 3: none
};
inline constexpr std::size_t control_bytes = 4;

enum Front : std::uint8_t {
    front_nothing,  ///< the rest is the frame
    front_target_0, ///< Ethernet, VLAN, IP and UDP of this target; the rest begins with GENEVE
    front_target_1,
    front_flow, ///< GENEVE with the options of a flow too, of the owner; `front` / 4 says which; the rest is
                ///< inner
};
enum DriverBit : std::uint8_t {
    driver_no_metadata = 1,
    driver_little_headroom = 2, ///< 2 bytes
    driver_forged_metadata = 4, ///< the frame brings 12 bytes
    driver_strict_cookie = 8,   ///< no driver's matter: the group wants exact cookies
};

/// A flow that went out: the inner packet, the frame that its target got, and the target's number.
struct Flow {
    test::Bytes inner;
    test::Bytes sent;
    unsigned target = 0;
};

/// Sends a packet of each kind out, and remembers the tables as they then are.
[[nodiscard]] std::vector<Flow> enter_flows(test::NativeRig &rig);

/// The frame in which `target` returns what is behind the UDP header.
[[nodiscard]] test::Bytes from_target(unsigned target, const test::Bytes &behind_udp);

/// Where in a frame that a target got the outer IP packet, GENEVE and the inner packet begin.
inline constexpr std::size_t outer_at = 18, geneve_at = outer_at + 28, inner_at = geneve_at + 40;

inline const test::Mac node_mac = "02:00:00:00:00:02";

} // namespace glb::fuzz
