#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "appliance/status.h"

using namespace glb;
using namespace glb::appliance;

namespace {

Snapshot sample() {
    Snapshot snapshot;
    snapshot.counters[static_cast<std::size_t>(Counter::received)] = 5;
    snapshot.counters[static_cast<std::size_t>(Counter::unknown_node)] = 2;
    snapshot.socket_overruns = 3;
    snapshot.flows = 4;
    snapshot.endpoints.push_back({.id = 0x2b8ee1d4db0c51c4,
                                  .device = "gwi-1d4db0c51c4",
                                  .table = 6081,
                                  .packets_in = 1,
                                  .bytes_in = 2,
                                  .packets_back = 3,
                                  .bytes_back = 4});
    return snapshot;
}

HttpResponse respond_to(const std::string &target, bool alive = true, const std::string &method = "GET") {
    HttpRequest request;
    request.method = method;
    request.target = target;
    return handle_request(request, alive, sample());
}

} // namespace

TEST_CASE("status: all counters by name, drops separately, including zeros") {
    const auto json = nlohmann::json::parse(counters_json(sample()));
    CHECK(json["counters"]["received"] == 5);
    CHECK(json["counters"]["returned"] == 0);
    CHECK(json["drops"]["unknown_node"] == 2);
    CHECK(json["drops"]["too_big"] == 0);
    CHECK(json["drops"]["socket_overrun"] == 3);
    CHECK_FALSE(json["counters"].contains("unknown_node"));
    CHECK(json["counters"].size() + json["drops"].size() == counter_count + 1);
    CHECK(json["flows"] == 4);
    CHECK(json["endpoints"] == nlohmann::json::parse(R"([{"id": "vpce-02b8ee1d4db0c51c4",
        "device": "gwi-1d4db0c51c4", "table": 6081, "packetsIn": 1, "bytesIn": 2, "packetsBack": 3,
        "bytesBack": 4}])"));
}

TEST_CASE("status: healthy while the packet threads run") {
    for (const auto *target : {"/", "/healthz", "/healthz?x=1"}) {
        CHECK(respond_to(target).status == 200);
        CHECK(respond_to(target, false).status == 503);
    }
}

TEST_CASE("status: unknown paths and methods have their own responses") {
    CHECK(respond_to("/counters").status == 200);
    CHECK(respond_to("/counters", false).status == 200);
    CHECK(nlohmann::json::parse(respond_to("/counters").body)["flows"] == 4);
    CHECK(respond_to("/healthzz").status == 404);
    CHECK(respond_to("/metrics").status == 404);
    CHECK(respond_to("/healthz", true, "POST").status == 405);
}
