// StatusMatcher: the HTTP status codes that a health check accepts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/util/result.h"

namespace glb::health {

class StatusMatcher {
  public:
    /// 200-399, the default of AWS for gateway load balancers.
    StatusMatcher() : ranges_{{200, 399}} {}

    /// Codes and ranges, separated by commas: "200-399,404". Spaces around them are allowed.
    /// Codes are 200 to 599: interim responses (1xx) are never a result.
    [[nodiscard]] static Result<StatusMatcher> parse(std::string_view text);

    [[nodiscard]] bool matches(int status) const;

    /// Sorted, with adjacent and overlapping ranges merged: equal matchers have equal strings.
    [[nodiscard]] std::string to_string() const;

    bool operator==(const StatusMatcher &) const = default;

  private:
    struct Range {
        std::uint16_t first;
        std::uint16_t last;
        auto operator<=>(const Range &) const = default;
    };
    static Result<Range> parse_range(std::string_view text);

    std::vector<Range> ranges_; // sorted and disjoint
};

} // namespace glb::health
