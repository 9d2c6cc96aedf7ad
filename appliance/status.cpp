#include "appliance/status.h"

#include <nlohmann/json.hpp>

#include "controller/util/endpoint_id.h"

namespace glb::appliance {
namespace {

using Json = nlohmann::ordered_json;

Json endpoint_json(const EndpointSnapshot &endpoint) {
    return {{"id", format_endpoint_id(endpoint.id)},
            {"device", endpoint.device},
            {"table", endpoint.table},
            {"packetsIn", endpoint.packets_in},
            {"bytesIn", endpoint.bytes_in},
            {"packetsBack", endpoint.packets_back},
            {"bytesBack", endpoint.bytes_back}};
}

HttpResponse plain(unsigned status, std::string text) {
    return {.status = status,
            .content_type = "text/plain; charset=utf-8",
            .body = std::move(text),
            .headers = {}};
}

} // namespace

std::string counters_json(const Snapshot &snapshot) {
    Json counters = Json::object(), drops = Json::object(), endpoints = Json::array();
    for (std::size_t i = 0; i < counter_count; ++i) {
        auto &part = static_cast<Counter>(i) < first_drop ? counters : drops;
        part[std::string(counter_names[i])] = snapshot.counters[i];
    }
    drops["socket_overrun"] = snapshot.socket_overruns;
    for (const auto &endpoint : snapshot.endpoints)
        endpoints.push_back(endpoint_json(endpoint));
    return Json{{"counters", std::move(counters)},
                {"drops", std::move(drops)},
                {"flows", snapshot.flows},
                {"endpoints", std::move(endpoints)}}
               .dump() +
           "\n";
}

HttpResponse handle_request(const HttpRequest &request, bool alive, const Snapshot &snapshot) {
    const auto path = request.target.substr(0, request.target.find('?'));
    const bool health = path == "/" || path == "/healthz";
    if (!health && path != "/counters")
        return plain(404, "not found; valid: /healthz, /counters\n");
    if (request.method != "GET") {
        auto response = plain(405, "method not allowed\n");
        response.headers.emplace_back("Allow", "GET, HEAD");
        return response;
    }
    if (health)
        return alive ? plain(200, "ok\n") : plain(503, "a packet thread is stuck\n");
    return {
        .status = 200, .content_type = "application/json", .body = counters_json(snapshot), .headers = {}};
}

} // namespace glb::appliance
