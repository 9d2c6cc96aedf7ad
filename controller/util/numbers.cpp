#include "controller/util/numbers.h"

#include <fmt/ranges.h>

namespace glb {

std::optional<std::uint64_t> parse_hex_number(std::string_view text) {
    if (!text.starts_with("0x") || text.size() > 2 + 16)
        return std::nullopt;
    return parse_number<std::uint64_t>(text.substr(2), 16);
}

std::optional<std::vector<std::uint8_t>> parse_hex_bytes(std::string_view text) {
    if (text.size() % 2 != 0)
        return std::nullopt;
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const auto byte = parse_number<std::uint8_t>(text.substr(i, 2), 16);
        if (!byte)
            return std::nullopt;
        bytes.push_back(*byte);
    }
    return bytes;
}

std::string format_hex_bytes(const std::vector<std::uint8_t> &bytes) {
    return fmt::format("{:02x}", fmt::join(bytes, ""));
}

} // namespace glb
