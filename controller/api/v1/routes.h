// The API's routes: from HTTP requests to reads and commands, and from their results to responses.
#pragma once

#include <functional>

#include "controller/control/commands.h"
#include "controller/observe/node_reads.h"
#include "lib/http/http.h"

namespace glb::api {

/// How requests are executed outside of the server's loop. Empty functions execute on the caller's thread.
struct ApiExecution {
    Offload offload;                                 ///< reads, on a pool
    std::function<void(std::function<void()>)> post; ///< to the loop, from any thread
};

/// Handles what the Unix socket serves: /v1/... and /metrics. Errors have a status of 4xx or 5xx and the body
/// {"errors":[{"pointer","message"}]}. Both interfaces must outlive the handler.
[[nodiscard]] HttpHandler api_routes(const observe::NodeReads &reads, control::NodeCommands &commands,
                                     ApiExecution execution = {});

/// Handles what the TCP listener serves, read-only: /metrics, and /healthz (200 if the node is ready, else
/// 503).
[[nodiscard]] HttpHandler metrics_routes(const observe::NodeReads &reads, ApiExecution execution = {});

} // namespace glb::api
