// Textual endpoint ids, and the names of the endpoints' devices.
#pragma once

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

/// The id of "vpce-0" + 16 hexadecimal digits, in either case; nullopt for other text.
inline std::optional<std::uint64_t> parse_endpoint_id(std::string_view text) {
    constexpr std::string_view prefix = "vpce-0";
    if (text.size() != prefix.size() + 16 || !text.starts_with(prefix))
        return std::nullopt;
    std::uint64_t id = 0;
    for (const char c : text.substr(prefix.size())) {
        unsigned digit = 0;
        if (c >= '0' && c <= '9')
            digit = static_cast<unsigned>(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = static_cast<unsigned>(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = static_cast<unsigned>(c - 'A') + 10;
        else
            return std::nullopt;
        id = id << 4 | digit;
    }
    return id;
}

/// "gwi-" and the last 11 digits: the kernel allows 15 characters. Two ids may have the same name; the caller
/// must reject the second.
inline std::string device_name(std::uint64_t id) {
    return "gwi-" + format_endpoint_id(id).substr(11);
}

} // namespace glb::appliance
