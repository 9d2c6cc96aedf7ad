#include "controller/util/endpoint_id.h"

#include <fmt/format.h>

#include "controller/util/numbers.h"

namespace glb {

namespace {

constexpr std::string_view prefix = "vpce-0";
constexpr std::size_t digits = 16;

} // namespace

std::optional<std::uint64_t> parse_endpoint_id(std::string_view text) {
    if (!text.starts_with(prefix))
        return parse_hex_number(text);
    if (text.size() != prefix.size() + digits)
        return std::nullopt;
    return parse_number<std::uint64_t>(text.substr(prefix.size()), 16);
}

std::string format_endpoint_id(std::uint64_t id) {
    return fmt::format("{}{:0{}x}", prefix, id, digits);
}

} // namespace glb
