#include "controller/api/v1/routes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <initializer_list>
#include <map>
#include <span>

#include "controller/api/http/uri.h"
#include "controller/documents/errors.h"
#include "controller/observe/metrics_renderer.h"

namespace glb {

namespace {

using nlohmann::json;
using Query = std::vector<std::pair<std::string, std::string>>;

HttpResponse ok(const json &document) {
    HttpResponse response;
    response.body = documents::serialize(document) + '\n';
    return response;
}

HttpResponse error_response(unsigned status, const std::vector<ApiError> &errors) {
    auto response = ok(documents::to_json(documents::Errors{errors}));
    response.status = status;
    return response;
}

/// An error of the request as a whole.
HttpResponse error_response(unsigned status, std::string message) {
    return error_response(status, std::vector<ApiError>{{"", std::move(message)}});
}

/// An error of the query parameter `name`.
HttpResponse parameter_error(std::string_view name, std::string message) {
    return error_response(400, std::vector<ApiError>{{"/" + std::string(name), std::move(message)}});
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

HttpResponse error_response(const Error &error) {
    return error_response(status_of(error), error.message);
}

template <typename T>
HttpResponse respond_with(const Result<T> &result) {
    return result ? ok(*result) : error_response(result.error());
}

using Parameters = std::map<std::string, std::string, std::less<>>;

/// The query's parameters, each at most once; those that are not `allowed` are rejected.
Result<Parameters, HttpResponse> read_parameters(const Query &query,
                                                 std::initializer_list<std::string_view> allowed) {
    Parameters values;
    for (const auto &[name, text] : query) {
        if (std::find(allowed.begin(), allowed.end(), name) == allowed.end())
            return tl::unexpected(parameter_error(name, "unknown parameter"));
        if (!values.emplace(name, text).second)
            return tl::unexpected(parameter_error(name, "given more than once"));
    }
    return values;
}

Result<bool, HttpResponse> flag_parameter(const Parameters &parameters, std::string_view name) {
    const auto found = parameters.find(name);
    if (found == parameters.end() || found->second == "false")
        return false;
    if (found->second == "true")
        return true;
    return tl::unexpected(parameter_error(name, "allowed are true and false"));
}

/// A whole number from 1 to `most`; none if it is absent.
Result<std::optional<std::uint32_t>, HttpResponse>
number_parameter(const Parameters &parameters, std::string_view name, std::uint32_t most) {
    const auto found = parameters.find(name);
    if (found == parameters.end())
        return std::nullopt;
    const auto &text = found->second;
    std::uint32_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || stop != text.data() + text.size() || value < 1 || value > most)
        return tl::unexpected(parameter_error(name, fmt::format("allowed are 1 to {}", most)));
    return std::optional(value);
}

struct RequestContext {
    NodeApi &service;
    const HttpRequest &request;
    const RequestTarget &target;
};

HttpResponse get_metrics(const RequestContext &call) {
    HttpResponse response;
    const auto format = accepted_format(call.request.accept);
    response.content_type = content_type(format);
    response.headers.emplace_back("Vary", "Accept");
    response.body = render_metrics(call.service.metrics(), format);
    return response;
}

HttpResponse get_health(const RequestContext &call) {
    HttpResponse response;
    const bool ready = call.service.metrics().ready;
    response.status = ready ? 200 : 503;
    response.content_type = "text/plain; charset=utf-8";
    response.body = ready ? "ready\n" : "not ready\n";
    return response;
}

HttpResponse get_targets(const RequestContext &call) {
    const auto parameters = read_parameters(call.target.query, {"group"});
    if (!parameters)
        return parameters.error();
    const auto group = parameters->find("group");
    return respond_with(
        call.service.targets(group == parameters->end() ? std::nullopt : std::optional(group->second)));
}

HttpResponse get_flows(const RequestContext &call) {
    const auto filter = parse_flow_query(call.target.query);
    if (!filter)
        return error_response(400, filter.error());
    auto source = call.service.flows(*filter);
    if (!source)
        return error_response(source.error());
    HttpResponse response;
    response.chunks = [next = std::move(*source)](std::string &chunk) {
        const bool more = next(chunk);
        if (!more)
            chunk += '\n';
        return more;
    };
    return response;
}

HttpResponse respond_to_apply(const Result<ApplyResult> &result) {
    return result && !result->errors.empty() ? error_response(422, result->errors) : respond_with(result);
}

constexpr std::uint32_t most_confirm_seconds = 86400;
constexpr std::uint32_t most_bypass_seconds = 30 * 86400;

/// Reads dryRun and confirm, the parameters of both apply and rollback.
Result<ApplyOptions, HttpResponse> apply_options(const Parameters &parameters, const RequestContext &call) {
    ApplyOptions options;
    GLB_ASSIGN(options.dry_run, flag_parameter(parameters, "dryRun"));
    GLB_ASSIGN(const auto seconds, number_parameter(parameters, "confirm", most_confirm_seconds));
    if (seconds)
        options.confirm_within = std::chrono::seconds(*seconds);
    options.peer = call.request.peer;
    return options;
}

HttpResponse post_manifest(const RequestContext &call) {
    const auto parameters = read_parameters(call.target.query, {"dryRun", "confirm"});
    if (!parameters)
        return parameters.error();
    const auto options = apply_options(*parameters, call);
    return options ? respond_to_apply(call.service.apply(call.request.body, *options)) : options.error();
}

HttpResponse post_rollback(const RequestContext &call) {
    const auto parameters = read_parameters(call.target.query, {"back", "dryRun", "confirm"});
    if (!parameters)
        return parameters.error();
    const auto back = number_parameter(*parameters, "back", 1000);
    if (!back)
        return back.error();
    const auto options = apply_options(*parameters, call);
    return options ? respond_to_apply(call.service.rollback(back->value_or(1), *options)) : options.error();
}

HttpResponse post_confirm(const RequestContext &call) {
    const auto done = call.service.confirm(call.request.peer);
    return done ? ok(documents::Confirm{true}) : error_response(done.error());
}

HttpResponse post_drain(const RequestContext &call) {
    const auto parameters = read_parameters(call.target.query, {"force"});
    if (!parameters)
        return parameters.error();
    const auto force = flag_parameter(*parameters, "force");
    if (!force)
        return force.error();
    const auto &path = call.target.segments; // v1 targets GROUP TARGET drain|undrain
    return respond_with(
        call.service.drain({path[2], path[3], path[4] == "drain", *force, call.request.peer}));
}

HttpResponse post_bypass(const RequestContext &call) {
    const auto parameters = read_parameters(call.target.query, {"seconds", "off"});
    if (!parameters)
        return parameters.error();
    const auto off = flag_parameter(*parameters, "off");
    const auto seconds = number_parameter(*parameters, "seconds", most_bypass_seconds);
    if (!off || !seconds)
        return off ? seconds.error() : off.error();
    if (*off && *seconds)
        return parameter_error("seconds", "cannot be combined with off");
    BypassRequest bypass{call.target.segments[2], *off, {}, call.request.peer};
    if (*seconds)
        bypass.duration = std::chrono::seconds(**seconds);
    return respond_with(call.service.bypass(bypass));
}

HttpResponse post_down(const RequestContext &call) {
    const auto parameters = read_parameters(call.target.query, {"keepGuard"});
    if (!parameters)
        return parameters.error();
    const auto keep_guard = flag_parameter(*parameters, "keepGuard");
    if (!keep_guard)
        return keep_guard.error();
    return respond_with(call.service.down({*keep_guard, call.request.peer}));
}

HttpResponse post_gc(const RequestContext &call) {
    const auto parameters = read_parameters(call.target.query, {"dryRun"});
    if (!parameters)
        return parameters.error();
    const auto dry_run = flag_parameter(*parameters, "dryRun");
    return dry_run ? respond_with(call.service.collect_garbage(*dry_run, call.request.peer))
                   : dry_run.error();
}

HttpResponse not_supported(const RequestContext &) {
    return error_response(501, "not yet supported");
}

template <auto view>
HttpResponse get(const RequestContext &call) {
    return respond_with((call.service.*view)());
}

struct Route {
    std::string_view method;
    std::string_view path; ///< "*" matches one segment
    HttpResponse (*serve)(const RequestContext &);
};

constexpr std::array api_table{
    Route{"GET", "/v1/status", get<&NodeApi::status>},
    Route{"GET", "/v1/endpoints", get<&NodeApi::endpoints>},
    Route{"GET", "/v1/targets", get_targets},
    Route{"GET", "/v1/flows", get_flows},
    Route{"GET", "/v1/drops", get<&NodeApi::drops>},
    Route{"GET", "/v1/counters", get<&NodeApi::counters>},
    Route{"GET", "/v1/guard", get<&NodeApi::guard>},
    Route{"GET", "/v1/manifest", get<&NodeApi::manifest>},
    Route{"POST", "/v1/manifest", post_manifest},
    Route{"POST", "/v1/down", post_down},
    Route{"POST", "/v1/gc", post_gc},
    Route{"POST", "/v1/confirm", post_confirm},
    Route{"GET", "/v1/history", get<&NodeApi::history>},
    Route{"POST", "/v1/rollback", post_rollback},
    Route{"POST", "/v1/targets/*/*/drain", post_drain},
    Route{"POST", "/v1/targets/*/*/undrain", post_drain},
    Route{"POST", "/v1/endpoints/*/bypass", post_bypass},
    Route{"POST", "/v1/explain", not_supported},
    Route{"GET", "/v1/trace", not_supported},
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

void dispatch(std::span<const Route> table, NodeApi &service, const HttpRequest &request,
              const HttpRespond &respond) {
    const auto target = parse_request_target(request.target);
    if (!target)
        return respond(error_response(400, "malformed request target"));
    std::string allow;
    for (const auto &route : table) {
        if (!path_matches(route.path, target->segments))
            continue;
        if (route.method == request.method)
            return respond(route.serve({service, request, *target}));
        allow += allow.empty() ? "" : ", ";
        allow += route.method == "GET" ? "GET, HEAD" : route.method;
    }
    if (allow.empty())
        return respond(error_response(404, "no such path"));
    auto response = error_response(405, "method " + request.method + " is not supported here");
    response.headers.emplace_back("Allow", allow);
    respond(std::move(response));
}

} // namespace

HttpHandler api_routes(NodeApi &service) {
    return [&service](const HttpRequest &request, const HttpRespond &respond) {
        dispatch(api_table, service, request, respond);
    };
}

HttpHandler metrics_routes(NodeApi &service) {
    return [&service](const HttpRequest &request, const HttpRespond &respond) {
        dispatch(metrics_table, service, request, respond);
    };
}

} // namespace glb
