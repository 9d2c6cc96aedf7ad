// The request target of HTTP: path and query (RFC 3986).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace glb {

struct RequestTarget {
    std::vector<std::string> segments; ///< of the path, decoded: "/v1/a%20b" is {"v1", "a b"}
    std::vector<std::pair<std::string, std::string>> query;
};

/// None if the path does not begin with "/", or if the percent-encoding is invalid.
[[nodiscard]] std::optional<RequestTarget> parse_request_target(std::string_view target);

/// Every byte outside RFC 3986's "unreserved" as %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);

/// "PATH?NAME=VALUE&...", encoded; PATH alone without pairs.
[[nodiscard]] std::string with_query(std::string path,
                                     const std::vector<std::pair<std::string, std::string>> &query);

} // namespace glb
