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

HttpResponse ask(const std::string &target, bool alive = true, const std::string &method = "GET") {
    HttpRequest request;
    request.method = method;
    request.target = target;
    return answer(request, alive, sample());
}

} // namespace

TEST_CASE("counters are told by name, those of drops apart, at zero too") {
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

TEST_CASE("health is green while the packet threads go round") {
    for (const auto *target : {"/", "/healthz", "/healthz?x=1"}) {
        CHECK(ask(target).status == 200);
        CHECK(ask(target, false).status == 503);
    }
}

TEST_CASE("what else is asked for has its own answers") {
    CHECK(ask("/counters").status == 200);
    CHECK(ask("/counters", false).status == 200);
    CHECK(nlohmann::json::parse(ask("/counters").body)["flows"] == 4);
    CHECK(ask("/healthzz").status == 404);
    CHECK(ask("/metrics").status == 404);
    CHECK(ask("/healthz", true, "POST").status == 405);
}
