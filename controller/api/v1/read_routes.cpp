#include "controller/api/v1/read_routes.h"

#include <array>

#include <fmt/format.h>

#include "controller/api/v1/parameters.h"
#include "controller/api/v1/responses.h"
#include "controller/observe/metrics_renderer.h"

namespace glb::api {

namespace {

HttpResponse get_metrics(const ReadRequest &call) {
    HttpResponse response;
    const auto format = observe::accepted_format(call.request.accept);
    response.content_type = observe::content_type(format);
    response.headers.emplace_back("Vary", "Accept");
    response.body = observe::render_metrics(call.reads.metrics(), format);
    return response;
}

HttpResponse get_targets(const ReadRequest &call) {
    const auto parameters = read_parameters(call.target.query, {"group"});
    if (!parameters)
        return parameters.error();
    const auto group = parameters->find("group");
    return respond_with(
        call.reads.targets(group == parameters->end() ? std::nullopt : std::optional(group->second)));
}

HttpResponse get_flows(const ReadRequest &call) {
    const auto query = observe::parse_flow_query(call.target.query);
    if (!query)
        return error_response(400, query.error());
    auto source = call.reads.flows(*query);
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

HttpResponse get_trace(const ReadRequest &) {
    return error_response(501, "not yet supported");
}

template <auto view>
HttpResponse get(const ReadRequest &call) {
    return respond_with((call.reads.*view)());
}

constexpr std::array read_table{
    ReadRoute{"/v1/status", get<&observe::NodeReads::status>},
    ReadRoute{"/v1/endpoints", get<&observe::NodeReads::endpoints>},
    ReadRoute{"/v1/targets", get_targets},
    ReadRoute{"/v1/flows", get_flows},
    ReadRoute{"/v1/drops", get<&observe::NodeReads::drops>},
    ReadRoute{"/v1/counters", get<&observe::NodeReads::counters>},
    ReadRoute{"/v1/guard", get<&observe::NodeReads::guard>},
    ReadRoute{"/v1/manifest", get<&observe::NodeReads::manifest>},
    ReadRoute{"/v1/history", get<&observe::NodeReads::history>},
    ReadRoute{"/v1/trace", get_trace},
    ReadRoute{"/metrics", get_metrics},
};

} // namespace

std::span<const ReadRoute> read_routes() {
    return read_table;
}

std::span<const ReadRoute> metrics_read_routes() {
    return std::span(read_table).last(1);
}

HttpResponse health_response(const observe::NodeReads &reads) {
    HttpResponse response;
    const bool ready = reads.not_ready_reason().empty();
    response.status = ready ? 200 : 503;
    response.content_type = "text/plain; charset=utf-8";
    response.body = ready ? "ready\n" : "not ready\n";
    for (const auto &[condition, since] : reads.conditions())
        response.body += fmt::format("{}: {}: {}\n", to_string(condition.severity), condition.what,
                                     condition.where.empty() ? "node" : condition.where);
    return response;
}

} // namespace glb::api
