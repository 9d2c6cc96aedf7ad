// The API's routes: from an HTTP request to the node, and the node's answer back.
#pragma once

#include "controller/api/http/http.h"
#include "controller/api/node_api.h"

namespace glb {

/// Handles everything that the node's Unix socket serves: /v1/... and /metrics. Errors have a status of 4xx
/// or 5xx and the body {"errors":[{"pointer","message"}]}. `service` outlives the handler. What takes long on
/// a large node goes to `offload`; without one it is done at once.
[[nodiscard]] HttpHandler api_routes(NodeApi &service, HttpOffload offload = {});

/// The read-only handler of the TCP listener: /metrics, and /healthz (200 where the node is ready, else 503).
[[nodiscard]] HttpHandler metrics_routes(NodeApi &service);

} // namespace glb
