// Textual formats of manifest values: status matchers, names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/config/manifest.h"

namespace glb::config {

/// `200-399`, `200,301-302`: comma-separated codes and ranges from 200 to 599, the widest range that AWS
/// accepts for any load balancer type. Interim responses (1xx) never decide a check.
[[nodiscard]] std::optional<std::vector<StatusRange>> parse_matcher(std::string_view text);
[[nodiscard]] std::string format_matcher(const std::vector<StatusRange> &ranges);

/// 1 to 63 of a-z A-Z 0-9 . _ -
[[nodiscard]] bool is_name(std::string_view text);

/// A valid kernel interface name (1 to 15 bytes) without quotes and backslashes.
[[nodiscard]] bool is_interface_name(std::string_view text);

} // namespace glb::config
