// A configuration with one endpoint, one group and two targets, for the loaded and the native data path.
#pragma once

#include <cstdint>
#include <vector>

#include "controller/plan/bank_image.h"
#include "tests/harness/packet.h"

namespace glb::test {

/// All interfaces have index 1 (the loopback device, the only one that exists in every namespace): untagged
/// it belongs to the endpoint, as VLAN 7 to the tunnel. The group has index 2 and Maglev table 5.
[[nodiscard]] plan::BankConfig sample_bank();

/// Table key and punt magic; the smallest flow table.
[[nodiscard]] glb_settings sample_settings();

/// Slots of the Maglev table: targets 0 and 1 alternately.
[[nodiscard]] std::vector<std::uint16_t> sample_slots();

inline const Mac punt_mac = "01:80:c2:00:00:01"; ///< of punted packets, see forward/punt.h
inline const Mac node_mac = "02:00:00:00:00:02"; ///< of the node, on every interface

/// A frame from a client of the endpoint.
inline Bytes from_client(const Packet &inner) {
    return (Eth{.dst = node_mac} / inner).bytes();
}

inline constexpr std::uint32_t sample_endpoint = 3; ///< index
inline constexpr std::uint32_t sample_table = 5;
inline constexpr std::uint64_t sample_target_state =
    GLB_TARGET_ACCEPT_NEW | GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC;
inline constexpr std::uint64_t endpoint_id = 0x2b8ee1d4db0c51c4;

inline const Mac target_mac = "02:00:00:00:01:11";  ///< of target 0, 10.0.1.20
inline const Mac target2_mac = "02:00:00:00:01:12"; ///< of target 1, 10.0.1.21

/// The tunnel packet that the node sent, decoded at fixed offsets behind an Ethernet header and one tag.
inline constexpr std::size_t outer_offset = 18;
std::uint32_t cookie_of(const Bytes &encapsulated);
std::uint16_t entropy_of(const Bytes &encapsulated);

/// The frame in which `target` (0 or 1) returns `inner`, with the given fields of the packet sent.
Bytes returned(unsigned target, std::uint32_t cookie, std::uint16_t entropy, const Packet &inner);

} // namespace glb::test
