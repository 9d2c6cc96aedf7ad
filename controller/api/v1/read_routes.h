// GET routes: they run on the pool. Private to the library.
#pragma once

#include <span>
#include <string_view>

#include "controller/observe/node_reads.h"
#include "lib/http/http.h"
#include "lib/http/uri.h"

namespace glb::api {

struct ReadRequest {
    const observe::NodeReads &reads;
    const HttpRequest &request;
    const RequestTarget &target;
};

struct ReadRoute {
    std::string_view path; ///< "*" matches one segment
    HttpResponse (*serve)(const ReadRequest &);
};

[[nodiscard]] std::span<const ReadRoute> read_routes();         ///< of /v1, and /metrics
[[nodiscard]] std::span<const ReadRoute> metrics_read_routes(); ///< /metrics

/// /healthz. Does not block.
[[nodiscard]] HttpResponse health_response(const observe::NodeReads &reads);

} // namespace glb::api
