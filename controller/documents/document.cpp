#include "controller/documents/document.h"

namespace glb::documents {

std::string serialize(const json &document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

namespace detail {

Status expected(const std::string &pointer, const std::string &what, const json &got) {
    return fail("{}: expected {}, got {}", pointer.empty() ? "/" : pointer, what, got.type_name());
}

Status read_bool(const json &value, const std::string &pointer, bool &out) {
    if (!value.is_boolean())
        return expected(pointer, "true or false", value);
    out = value.get<bool>();
    return {};
}

Status read_string(const json &value, const std::string &pointer, std::string &out) {
    if (!value.is_string())
        return expected(pointer, "a string", value);
    out = value.get<std::string>();
    return {};
}

Status read_unsigned(const json &value, const std::string &pointer, std::uint64_t most, std::uint64_t &out) {
    // A document built in memory may hold a positive number as a signed one.
    const bool is_whole =
        value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
    if (!is_whole || value.get<std::uint64_t>() > most)
        return expected(pointer, fmt::format("a whole number from 0 to {}", most), value);
    out = value.get<std::uint64_t>();
    return {};
}

Status read_signed(const json &value, const std::string &pointer, std::int64_t &out) {
    const bool fits = value.is_number_unsigned()
                          ? value.get<std::uint64_t>() <=
                                static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                          : value.is_number_integer();
    if (!fits)
        return expected(pointer, "a whole number of 64 bits", value);
    out = value.get<std::int64_t>();
    return {};
}

} // namespace detail

} // namespace glb::documents
