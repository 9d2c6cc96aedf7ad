// /metrics: a snapshot as the text that Prometheus scrapes.
#pragma once

#include <string>

#include "controller/metrics/snapshot.h"

namespace glb {

/// The type of what render_metrics returns: the Prometheus text format 0.0.4, and nothing else. A scraper
/// that would rather have OpenMetrics is told the truth about what it gets; all of them read 0.0.4.
inline constexpr const char *metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// Names begin with "glb_", values are in base units (bytes, seconds, packets), counters end in "_total".
/// A counter beyond 2^53 loses its last bits: the format's numbers are doubles.
[[nodiscard]] std::string render_metrics(const MetricsSnapshot &snapshot);

} // namespace glb
