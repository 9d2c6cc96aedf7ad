#include "controller/api/v1/routes.h"

#include <memory>
#include <utility>

#include "controller/api/v1/command_routes.h"
#include "controller/api/v1/read_routes.h"
#include "controller/api/v1/responses.h"

namespace glb::api {

namespace {

bool path_matches(std::string_view pattern, const std::vector<std::string> &segments) {
    for (const auto &segment : segments) {
        if (pattern.empty())
            return false;
        pattern.remove_prefix(1); // the slash
        const auto expected = pattern.substr(0, pattern.find('/'));
        if (expected != "*" && expected != segment)
            return false;
        pattern.remove_prefix(expected.size());
    }
    return pattern.empty();
}

template <typename Route>
const Route *find_route(std::span<const Route> routes, const RequestTarget &target) {
    for (const auto &route : routes)
        if (path_matches(route.path, target.segments))
            return &route;
    return nullptr;
}

/// What a read needs until it is executed, and then its response.
struct Read {
    HttpRequest request;
    RequestTarget target;
    HttpResponse response;
};

void run_read(const ReadRoute &route, const observe::NodeReads &reads, const HttpRequest &request,
              const RequestTarget &target, const HttpRespond &respond, const Offload &offload) {
    if (!offload)
        return respond(route.serve({reads, request, target}));
    const auto read = std::make_shared<Read>(Read{request, target, {}});
    offload(
        [read, &route, &reads] {
            read->response = route.serve({reads, read->request, read->target});
        },
        [read, respond] { respond(std::move(read->response)); });
}

HttpResponse method_not_allowed(const std::string &method, bool reads, bool commands) {
    auto response = error_response(405, "method " + method + " is not supported here");
    response.headers.emplace_back("Allow", reads && commands ? "GET, HEAD, POST"
                                           : reads           ? "GET, HEAD"
                                                             : "POST");
    return response;
}

} // namespace

HttpHandler api_routes(const observe::NodeReads &reads, control::NodeCommands &commands,
                       ApiExecution execution) {
    return [&reads, &commands, execution = std::move(execution)](const HttpRequest &request,
                                                                 const HttpRespond &respond) {
        const auto target = parse_request_target(request.target);
        if (!target)
            return respond(error_response(400, "malformed request target"));
        const auto *read = find_route(read_routes(), *target);
        const auto *command = find_route(command_routes(), *target);
        if (read && request.method == "GET")
            return run_read(*read, reads, request, *target, respond, execution.offload);
        if (command && request.method == "POST") {
            const auto respond_on_loop = [respond, post = execution.post](HttpResponse response) {
                if (!post)
                    return respond(std::move(response));
                post([respond, response = std::move(response)] { respond(response); });
            };
            return command->serve({commands, request, *target, respond_on_loop});
        }
        respond(read || command ? method_not_allowed(request.method, read, command)
                                : error_response(404, "no such path"));
    };
}

HttpHandler metrics_routes(const observe::NodeReads &reads, ApiExecution execution) {
    return
        [&reads, execution = std::move(execution)](const HttpRequest &request, const HttpRespond &respond) {
            const auto target = parse_request_target(request.target);
            if (!target)
                return respond(error_response(400, "malformed request target"));
            const auto *read = find_route(metrics_read_routes(), *target);
            const bool is_health = path_matches("/healthz", target->segments);
            if ((read || is_health) && request.method != "GET")
                return respond(method_not_allowed(request.method, true, false));
            if (is_health)
                return respond(health_response(reads));
            if (read)
                return run_read(*read, reads, request, *target, respond, execution.offload);
            respond(error_response(404, "no such path"));
        };
}

} // namespace glb::api
