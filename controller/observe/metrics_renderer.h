// /metrics: a snapshot as the text that Prometheus scrapes.
#pragma once

#include <string>

#include "controller/observe/metrics_format.h"
#include "controller/observe/metrics_snapshot.h"

namespace glb::observe {

/// Names begin with "glb_", values are in base units (bytes, seconds, packets), counters end in "_total".
/// A counter beyond 2^53 loses its last bits: the format's numbers are doubles.
[[nodiscard]] std::string render_metrics(const MetricsSnapshot &snapshot,
                                         MetricsFormat format = MetricsFormat::text);

} // namespace glb::observe
