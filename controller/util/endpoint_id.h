// Textual endpoint ids, as manifests, command lines and appliances write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace glb {

/// `vpce-0` and 16 hex digits, as appliances display endpoint ids, or `0x` and 1 to 16 hex digits.
[[nodiscard]] std::optional<std::uint64_t> parse_endpoint_id(std::string_view text);

/// `vpce-0` and 16 hex digits.
[[nodiscard]] std::string format_endpoint_id(std::uint64_t id);

} // namespace glb
