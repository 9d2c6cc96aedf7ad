// Content negotiation of /metrics.
#pragma once

#include <cstdint>
#include <string_view>

namespace glb::observe {

enum class MetricsFormat : std::uint8_t {
    text,        ///< Prometheus' text format 0.0.4
    openmetrics, ///< OpenMetrics 1.0.0
};

/// The better one of what the request's Accept names (RFC 9110, 12.5.1: ranges with weights); the text if
/// it names neither, or another version of OpenMetrics. OpenMetrics if both have the same weight.
[[nodiscard]] MetricsFormat accepted_format(std::string_view accept);

/// The type of an answer in this format.
[[nodiscard]] const char *content_type(MetricsFormat format);

} // namespace glb::observe
