#include "lib/http/uri.h"

#include <fmt/format.h>

namespace glb {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        if (i + 2 >= text.size())
            return std::nullopt;
        const int high = hex_digit(text[i + 1]);
        const int low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0)
            return std::nullopt;
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return decoded;
}

/// Calls `visit` with each non-empty part of `text` between `separator`s. False as soon as a call returns
/// false.
template <typename Visit>
bool for_each_part(std::string_view text, char separator, Visit visit) {
    while (!text.empty()) {
        const auto end = text.find(separator);
        const auto part = text.substr(0, end);
        if (!part.empty() && !visit(part))
            return false;
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return true;
}

} // namespace

std::optional<RequestTarget> parse_request_target(std::string_view target) {
    if (target.empty() || target.front() != '/')
        return std::nullopt;
    RequestTarget parsed;
    const auto question = target.find('?');
    const bool path_valid = for_each_part(target.substr(0, question), '/', [&](std::string_view part) {
        auto segment = percent_decode(part);
        if (segment)
            parsed.segments.push_back(std::move(*segment));
        return segment.has_value();
    });
    const auto query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
    const bool query_valid = for_each_part(query, '&', [&](std::string_view part) {
        const auto equals = part.find('=');
        auto name = percent_decode(part.substr(0, equals));
        auto value =
            percent_decode(equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1));
        if (!name || !value)
            return false;
        parsed.query.emplace_back(std::move(*name), std::move(*value));
        return true;
    });
    if (!path_valid || !query_valid)
        return std::nullopt;
    return parsed;
}

std::string percent_encode(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool unreserved = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                c == '-' || c == '.' || c == '_' || c == '~';
        if (unreserved)
            encoded += c;
        else
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

std::string with_query(std::string path, const std::vector<std::pair<std::string, std::string>> &query) {
    char separator = '?';
    for (const auto &[name, value] : query) {
        path += separator + percent_encode(name) + '=' + percent_encode(value);
        separator = '&';
    }
    return path;
}

} // namespace glb
