#include "controller/api/routes.h"

#include <array>
#include <cerrno>
#include <span>

#include "controller/api/uri.h"
#include "controller/metrics/render.h"

namespace glb {

namespace {

using nlohmann::json;
using Query = std::vector<std::pair<std::string, std::string>>;

/// Names come from a checked manifest, texts of the kernel may hold any byte: those are replaced, not thrown
/// at.
std::string to_body(const json &document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

HttpResponse ok(const json &document) {
    HttpResponse response;
    response.body = to_body(document);
    return response;
}

HttpResponse refuse(unsigned status, const std::vector<Problem> &problems) {
    auto errors = json::array();
    for (const auto &[pointer, message] : problems)
        errors.push_back({{"pointer", pointer}, {"message", message}});
    auto response = ok({{"errors", std::move(errors)}});
    response.status = status;
    return response;
}

HttpResponse refuse(unsigned status, std::string message) {
    return refuse(status, std::vector<Problem>{{"", std::move(message)}});
}

unsigned status_of(const Error &error) {
    switch (error.code) {
    case ENOENT:
        return 404;
    case EINVAL:
        return 400;
    case EBUSY:
        return 409;
    case ENOTSUP:
        return 501;
    case EAGAIN:
        return 503;
    default:
        return 500;
    }
}

HttpResponse answer(const Result<json> &result) {
    return result ? ok(*result) : refuse(status_of(result.error()), result.error().message);
}

/// The query's one allowed parameter, or nothing where it is absent; any other parameter is refused.
Result<std::optional<std::string>, HttpResponse> only_parameter(const Query &query,
                                                                std::string_view allowed) {
    std::optional<std::string> value;
    for (const auto &[name, text] : query) {
        if (name != allowed)
            return tl::unexpected(refuse(400, std::vector<Problem>{{"/" + name, "unknown parameter"}}));
        if (value)
            return tl::unexpected(refuse(400, std::vector<Problem>{{"/" + name, "given more than once"}}));
        value = text;
    }
    return value;
}

Result<bool, HttpResponse> only_flag(const Query &query, std::string_view allowed) {
    GLB_ASSIGN(const auto value, only_parameter(query, allowed));
    if (!value || *value == "false")
        return false;
    if (*value == "true")
        return true;
    return tl::unexpected(
        refuse(400, std::vector<Problem>{{"/" + std::string(allowed), "allowed are true and false"}}));
}

struct Call {
    NodeService &service;
    const HttpRequest &request;
    const RequestTarget &target;
};

HttpResponse get_metrics(const Call &call) {
    HttpResponse response;
    response.content_type = metrics_content_type;
    response.body = render_metrics(call.service.metrics());
    return response;
}

HttpResponse get_health(const Call &call) {
    HttpResponse response;
    const bool ready = call.service.metrics().ready;
    response.status = ready ? 200 : 503;
    response.content_type = "text/plain; charset=utf-8";
    response.body = ready ? "ready\n" : "not ready\n";
    return response;
}

HttpResponse get_targets(const Call &call) {
    const auto group = only_parameter(call.target.query, "group");
    return group ? answer(call.service.targets(*group)) : group.error();
}

HttpResponse get_flows(const Call &call) {
    const auto filter = parse_flow_filter(call.target.query);
    return filter ? answer(call.service.flows(*filter)) : refuse(400, filter.error());
}

HttpResponse post_manifest(const Call &call) {
    const auto dry_run = only_flag(call.target.query, "dryRun");
    if (!dry_run)
        return dry_run.error();
    const auto result = call.service.apply(call.request.body, {*dry_run, call.request.peer});
    if (!result)
        return refuse(status_of(result.error()), result.error().message);
    if (!result->errors.empty())
        return refuse(422, result->errors);
    return ok({{"changes", result->changes},
               {"applied", result->applied},
               {"epoch", result->epoch},
               {"warnings", result->warnings}});
}

HttpResponse post_down(const Call &call) {
    const auto keep_guard = only_flag(call.target.query, "keepGuard");
    if (!keep_guard)
        return keep_guard.error();
    const auto status = call.service.down({*keep_guard, call.request.peer});
    if (!status)
        return refuse(status_of(status.error()), status.error().message);
    return ok({{"down", true}, {"guardKept", *keep_guard}});
}

HttpResponse later(const Call &) {
    return refuse(501, "not yet supported");
}

template <Result<json> (NodeService::*ask)()>
HttpResponse get(const Call &call) {
    return answer((call.service.*ask)());
}

struct Route {
    std::string_view method;
    std::string_view path; ///< "*" stands for one segment
    HttpResponse (*serve)(const Call &);
};

constexpr std::array api_table{
    Route{"GET", "/v1/status", get<&NodeService::status>},
    Route{"GET", "/v1/endpoints", get<&NodeService::endpoints>},
    Route{"GET", "/v1/targets", get_targets},
    Route{"GET", "/v1/flows", get_flows},
    Route{"GET", "/v1/drops", get<&NodeService::drops>},
    Route{"GET", "/v1/counters", get<&NodeService::counters>},
    Route{"GET", "/v1/guard", get<&NodeService::guard>},
    Route{"GET", "/v1/manifest", get<&NodeService::manifest>},
    Route{"POST", "/v1/manifest", post_manifest},
    Route{"POST", "/v1/down", post_down},
    Route{"POST", "/v1/targets/*/*/drain", later},
    Route{"POST", "/v1/targets/*/*/undrain", later},
    Route{"POST", "/v1/explain", later},
    Route{"GET", "/v1/trace", later},
    Route{"GET", "/metrics", get_metrics},
};

constexpr std::array metrics_table{
    Route{"GET", "/metrics", get_metrics},
    Route{"GET", "/healthz", get_health},
};

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

HttpResponse dispatch(std::span<const Route> table, NodeService &service, const HttpRequest &request) {
    const auto target = parse_request_target(request.target);
    if (!target)
        return refuse(400, "malformed request target");
    std::string allow;
    for (const auto &route : table) {
        if (!path_matches(route.path, target->segments))
            continue;
        if (route.method == request.method)
            return route.serve({service, request, *target});
        allow += allow.empty() ? "" : ", ";
        allow += route.method == "GET" ? "GET, HEAD" : route.method;
    }
    if (allow.empty())
        return refuse(404, "there is no such path");
    auto response = refuse(405, "the path has no method " + request.method);
    response.headers.emplace_back("Allow", allow);
    return response;
}

} // namespace

HttpHandler api_routes(NodeService &service) {
    return [&service](const HttpRequest &request, const HttpRespond &respond) {
        respond(dispatch(api_table, service, request));
    };
}

HttpHandler metrics_routes(NodeService &service) {
    return [&service](const HttpRequest &request, const HttpRespond &respond) {
        respond(dispatch(metrics_table, service, request));
    };
}

} // namespace glb
