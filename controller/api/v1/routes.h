// The API's routes: HTTP requests to calls of NodeApi, and its results to responses.
#pragma once

#include "controller/api/http/http.h"
#include "controller/api/node_api.h"

namespace glb {

/// Handles what the Unix socket serves: /v1/... and /metrics. Errors have a status of 4xx or 5xx and the body
/// {"errors":[{"pointer","message"}]}. `service` must outlive the handler.
[[nodiscard]] HttpHandler api_routes(NodeApi &service);

/// Handles what the TCP listener serves, read-only: /metrics, and /healthz (200 if the node is ready, else
/// 503).
[[nodiscard]] HttpHandler metrics_routes(NodeApi &service);

} // namespace glb
