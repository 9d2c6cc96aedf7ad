// Textual formats of manifest values: endpoint ids, hex, status matchers, names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/config/manifest.h"

namespace glb {

/// Reads `vpce-0` + 16 hex digits, the form that vendors' appliances show and want, or `0x` + 1 to 16 of
/// them.
[[nodiscard]] std::optional<std::uint64_t> parse_endpoint_id(std::string_view text);

/// `0x` and 1 to 16 hex digits.
[[nodiscard]] std::optional<std::uint64_t> parse_hex_number(std::string_view text);

/// Pairs of hex digits as bytes; none where a character is no hex digit or their number is odd.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> parse_hex_bytes(std::string_view text);
[[nodiscard]] std::string format_hex_bytes(const std::vector<std::uint8_t> &bytes);

/// `200-399`, `200,301-302`: codes and ranges from 200 to 599, apart by commas; the widest that AWS takes
/// anywhere (its gateway load balancers have 200-399 alone). An interim answer (1xx) is never a verdict.
[[nodiscard]] std::optional<std::vector<StatusRange>> parse_matcher(std::string_view text);
[[nodiscard]] std::string format_matcher(const std::vector<StatusRange> &ranges);

/// 1 to 63 of a-z A-Z 0-9 . _ -
[[nodiscard]] bool is_name(std::string_view text);

/// What the kernel takes as an interface's name, without quotes and backslashes: at most 15 bytes.
[[nodiscard]] bool is_interface_name(std::string_view text);

} // namespace glb
