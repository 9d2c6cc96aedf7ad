// Textual endpoint ids, and the names of the endpoints' devices.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace glb::appliance {

/// "vpce-0" and 16 hexadecimal digits, as in vendors' command lines.
inline std::string format_endpoint_id(std::uint64_t id) {
    return fmt::format("vpce-0{:016x}", id);
}

/// The id of "vpce-0" + 16 hexadecimal digits or "0x" + 1 to 16, in either case; nullopt for other text.
inline std::optional<std::uint64_t> parse_endpoint_id(std::string_view text) {
    const bool is_number = text.starts_with("0x");
    if (!is_number && !(text.starts_with("vpce-0") && text.size() == 22))
        return std::nullopt;
    const auto digits = text.substr(is_number ? 2 : 6);
    std::uint64_t id = 0;
    const auto *end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, id, 16);
    if (digits.empty() || digits.size() > 16 || error != std::errc{} || stop != end)
        return std::nullopt;
    return id;
}

/// "gwi-" and the last 11 digits: the kernel allows 15 characters. Two ids may have the same name; the caller
/// must reject the second.
inline std::string device_name(std::uint64_t id) {
    return "gwi-" + format_endpoint_id(id).substr(11);
}

} // namespace glb::appliance
