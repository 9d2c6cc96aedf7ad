// A configuration with one endpoint, one group and two targets, for both the loaded and the native data path.
#pragma once

#include <cstdint>
#include <vector>

#include "controller/plan/bank_image.h"

namespace glb::test {

/// All ports are on interface 1, the loopback device, which exists in every namespace: untagged it is the
/// endpoint's, as VLAN 7 the tunnel's. The group has index 2 and Maglev table 5.
[[nodiscard]] BankConfig sample_bank();

/// The table's key and the punt magic; the smallest flow table.
[[nodiscard]] glb_settings sample_settings();

/// Maglev slots: targets 0 and 1 alternate.
[[nodiscard]] std::vector<std::uint16_t> sample_slots();

inline constexpr std::uint32_t sample_table = 5;
inline constexpr std::uint64_t sample_word =
    GLB_TARGET_ACCEPT_NEW | GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC;
inline constexpr std::uint64_t endpoint_id = 0x2b8ee1d4db0c51c4;

} // namespace glb::test
