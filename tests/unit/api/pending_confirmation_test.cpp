// What each route that changes something does while a manifest is pending confirmation.
#include <future>

#include <catch2/catch.hpp>

#include "controller/api/v1/routes.h"
#include "fake_node.h"
#include "tests/unit/control/running_daemon.h"

using nlohmann::json;

namespace glb::test {

namespace {

const auto pending_text = manifest_text({"eth1"}, {10, 12});
const auto other_text = manifest_text({"eth1"}, {10, 13});

/// The routes of a daemon whose manifest is pending confirmation, over another one.
struct PendingApi {
    FakeWorld world;
    RunningDaemon daemon{world};
    FakeNode reads;
    HttpHandler handler = api::api_routes(reads, daemon.control);

    PendingApi() { REQUIRE(post("/v1/manifest?confirm=600", pending_text).status == 200); }

    HttpResponse post(const std::string &target, const std::string &body = {}) {
        auto promise = std::make_shared<std::promise<HttpResponse>>();
        auto response = promise->get_future();
        handler({"POST", target, body, {true, 1000, 1001, 42}},
                [promise](HttpResponse done) { promise->set_value(std::move(done)); });
        return response.get();
    }
    [[nodiscard]] bool is_pending() const { return world.values.contains("confirmation"); }
};

} // namespace

TEST_CASE("pending confirmation: changes of the manifest are refused by 409, and name who waits") {
    PendingApi api;
    const auto *target = GENERATE("/v1/manifest", "/v1/manifest?confirm=30", "/v1/rollback",
                                  "/v1/rollback?back=1&confirm=30", "/v1/rollback?confirmPending=false");
    INFO(target);
    const auto refused = api.post(target, other_text);
    CHECK(refused.status == 409);
    const auto errors = json::parse(refused.body).at("errors");
    REQUIRE(errors.size() == 1);
    CHECK_THAT(errors[0].at("message").get<std::string>(), Catch::Contains("applied by uid 1000, pid 42") &&
                                                               Catch::Contains("glbctl confirm") &&
                                                               Catch::Contains("--confirm-pending"));
    CHECK(api.world.manifest == pending_text);
    CHECK(api.is_pending());
    CHECK(api.post("/v1/confirm").status == 200);
    CHECK_FALSE(api.is_pending());
    CHECK(api.post(target, other_text).status == 200);
}

TEST_CASE("pending confirmation: overrides, dry runs and gc are executed, and it stays pending") {
    PendingApi api;
    for (const auto *target :
         {"/v1/targets/fw/fw-10/drain", "/v1/targets/fw/fw-10/undrain", "/v1/endpoints/web/bypass?seconds=60",
          "/v1/endpoints/web/bypass?off=true", "/v1/manifest?dryRun=true", "/v1/rollback?dryRun=true",
          "/v1/gc?dryRun=true", "/v1/gc"}) {
        const auto done = api.post(target, other_text);
        INFO(target << ": " << done.body);
        CHECK(done.status == 200);
        CHECK(api.is_pending());
        CHECK(api.world.manifest == pending_text);
    }
}

TEST_CASE("pending confirmation: confirmPending confirms it together with the change") {
    PendingApi api;
    const auto [target, active] =
        GENERATE(table<const char *, std::string>({{"/v1/manifest?confirmPending=true", other_text},
                                                   {"/v1/rollback?confirmPending=true", manifest_text()}}));
    INFO(target);
    CHECK(api.post(target, other_text).status == 200);
    CHECK(api.world.manifest == active);
    CHECK_FALSE(api.is_pending());
    CHECK(api.post("/v1/confirm").status == 404);
}

TEST_CASE("pending confirmation: down ends it, and nothing is reverted later") {
    PendingApi api;
    CHECK(api.post("/v1/down").status == 200);
    CHECK_FALSE(api.world.manifest);
    CHECK_FALSE(api.is_pending());
    CHECK(api.post("/v1/confirm").status == 404);
}

} // namespace glb::test
