#include <catch2/catch.hpp>

#include <algorithm>

#include "controller/api/v1/routes.h"
#include "fake_node.h"

using namespace glb;
using nlohmann::json;

namespace {

struct Api {
    test::FakeNode node;
    HttpHandler handler = api::api_routes(node, node);

    HttpResponse operator()(const std::string &method, const std::string &target,
                            const std::string &body = {}) {
        HttpResponse answer;
        answer.status = 0;
        HttpRequest request{method, target, body, {true, 1000, 1001, 42}};
        handler(request, [&](HttpResponse response) { answer = std::move(response); });
        return answer;
    }
};

std::string allow(const HttpResponse &response) {
    for (const auto &[name, value] : response.headers)
        if (name == "Allow")
            return value;
    return "";
}

} // namespace

TEST_CASE("routes: every GET returns the node's document") {
    Api api;
    CHECK(json::parse(api("GET", "/v1/status").body) == *api.node.status());
    CHECK(json::parse(api("GET", "/v1/endpoints").body) == *api.node.endpoints());
    CHECK(json::parse(api("GET", "/v1/targets").body) == *api.node.targets(std::nullopt));
    CHECK(json::parse(api("GET", "/v1/targets?group=firewalls").body) == *api.node.targets(std::nullopt));
    CHECK(json::parse(api("GET", "/v1/drops").body) == *api.node.drops());
    CHECK(json::parse(api("GET", "/v1/counters").body) == *api.node.counters());
    CHECK(json::parse(api("GET", "/v1/guard").body) == *api.node.guard());
    CHECK(json::parse(api("GET", "/v1/manifest").body) == *api.node.manifest());
    CHECK(api("GET", "/v1/status").status == 200);
}

TEST_CASE("routes: the code of an error selects the status") {
    Api api;
    const auto response = api("GET", "/v1/targets?group=nowhere");
    CHECK(response.status == 404);
    CHECK(json::parse(response.body)["errors"][0]["message"] == "there is no target group \"nowhere\"");
    CHECK(api("POST", "/v1/manifest", "conflict").status == 409);
}

TEST_CASE("routes: flows are returned in chunks, and end with a newline") {
    Api api;
    const auto response = api("GET", "/v1/flows?limit=0");
    CHECK(response.status == 200);
    CHECK(response.body.empty());
    REQUIRE(response.chunks);
    std::string chunk;
    CHECK_FALSE(response.chunks(chunk));
    CHECK(chunk.ends_with("}\n"));
    const auto document = documents::from_json<documents::FlowList>(json::parse(chunk));
    REQUIRE(document);
    CHECK(document->total == 812);

    api.node.generated_flows = 1000;
    const auto many = api("GET", "/v1/flows?limit=0");
    std::string all;
    int chunks = 1;
    for (std::string piece; many.chunks(piece); ++chunks, piece.clear())
        all += piece;
    CHECK(chunks > 1);
    CHECK(api("GET", "/v1/flows?target=unknown").status == 404);
}

TEST_CASE("routes: the filter of flows is read from the query, and every error is reported") {
    Api api;
    CHECK(api("GET", "/v1/flows?source=%5B2001:db8::1%5D:443&protocol=tcp&limit=0").status == 200);
    REQUIRE(api.node.last_filter);
    CHECK(api.node.last_filter->protocol == 6);
    CHECK(api.node.last_filter->source->to_string() == "[2001:db8::1]:443");
    CHECK(api.node.last_filter->limit == 0);

    const auto refused = api("GET", "/v1/flows?state=open&colour=red");
    CHECK(refused.status == 400);
    const auto errors = json::parse(refused.body)["errors"];
    REQUIRE(errors.size() == 2);
    CHECK(errors[0]["pointer"] == "/state");
    CHECK(errors[1]["pointer"] == "/colour");
}

TEST_CASE("routes: apply passes the client and dryRun on, and returns errors of the manifest") {
    Api api;
    const auto applied = api("POST", "/v1/manifest", R"({"version": 1})");
    CHECK(applied.status == 200);
    CHECK(json::parse(applied.body)["applied"] == true);
    CHECK(json::parse(applied.body)["epoch"] == 4);
    CHECK(json::parse(applied.body)["changes"].size() == 2);
    CHECK(api.node.last_manifest == R"({"version": 1})");
    CHECK(api.node.last_apply->peer.uid == 1000);
    CHECK(api.node.last_apply->peer.pid == 42);
    CHECK_FALSE(api.node.last_apply->dry_run);

    CHECK(json::parse(api("POST", "/v1/manifest?dryRun=true", R"({"version": 1})").body)["applied"] == false);
    CHECK(api.node.last_apply->dry_run);

    const auto refused = api("POST", "/v1/manifest", "{}");
    CHECK(refused.status == 422);
    CHECK(json::parse(refused.body)["errors"].size() == 2);
    CHECK(json::parse(refused.body)["errors"][0]["pointer"] == "/version");

    // A misspelt dryRun must never apply the manifest.
    api.node.last_apply.reset();
    CHECK(api("POST", "/v1/manifest?dryrun=true", R"({"version": 1})").status == 400);
    CHECK(api("POST", "/v1/manifest?dryRun=yes", R"({"version": 1})").status == 400);
    CHECK(api("POST", "/v1/manifest?dryRun=true&dryRun=false", R"({"version": 1})").status == 400);
    CHECK_FALSE(api.node.last_apply);
}

TEST_CASE("routes: a manifest is applied with confirmation, confirmed, and rolled back") {
    Api api;
    CHECK_FALSE(
        json::parse(api("POST", "/v1/manifest", R"({"version": 1})").body).contains("confirmWithinSeconds"));
    CHECK_FALSE(api.node.last_apply->confirm_within);
    const auto trial = api("POST", "/v1/manifest?confirm=60", R"({"version": 1})");
    CHECK(json::parse(trial.body)["confirmWithinSeconds"] == 60);
    CHECK(api.node.last_apply->confirm_within == std::chrono::seconds(60));
    for (const auto *wrong : {"0", "-1", "soon", "86401", "", "6 "})
        CHECK(api("POST", "/v1/manifest?confirm=" + std::string(wrong), R"({"version": 1})").status == 400);
    CHECK(api("POST", "/v1/confirm").status == 200);
    CHECK(api("POST", "/v1/confirm").status == 404);

    CHECK(json::parse(api("GET", "/v1/history").body) == *api.node.history());
    CHECK(api("POST", "/v1/rollback").status == 200);
    CHECK(api.node.last_back == 1u);
    CHECK(api.node.last_apply->peer.pid == 42);
    CHECK(api("POST", "/v1/rollback?back=2").status == 404);
    CHECK(api("POST", "/v1/rollback?back=0").status == 400);
    CHECK(api("POST", "/v1/rollback?back=1&dryRun=true&confirm=5").status == 200);
    CHECK(api.node.last_apply->dry_run);
    CHECK_FALSE(api.node.last_apply->confirm_pending);
    CHECK(api("POST", "/v1/manifest?confirmPending=true", R"({"version": 1})").status == 200);
    CHECK(api.node.last_apply->confirm_pending);
}

TEST_CASE("routes: drains and bypasses are requested with the client's credentials") {
    Api api;
    CHECK(json::parse(api("POST", "/v1/targets/firewalls/fw-1/drain").body)["drainedByOperator"] == true);
    CHECK(api.node.last_drain->group == "firewalls");
    CHECK(api.node.last_drain->target == "fw-1");
    CHECK(api.node.last_drain->peer.uid == 1000);
    CHECK(api("POST", "/v1/targets/firewalls/fw-1/undrain").status == 200);
    CHECK_FALSE(api.node.last_drain->drain);
    CHECK(api("POST", "/v1/targets/firewalls/fw-2/drain").status == 409);
    CHECK(api("POST", "/v1/targets/firewalls/fw-2/drain?force=true").status == 200);
    CHECK(api("POST", "/v1/targets/firewalls/fw-2/drain?force=1").status == 400);
    CHECK(api("POST", "/v1/targets/firewalls/fw-9/drain").status == 404);

    CHECK(json::parse(api("POST", "/v1/endpoints/branch/bypass").body)["secondsLeft"].is_null());
    CHECK_FALSE(api.node.last_bypass->duration);
    CHECK(json::parse(api("POST", "/v1/endpoints/branch/bypass?seconds=600").body)["secondsLeft"] == 600);
    CHECK(json::parse(api("POST", "/v1/endpoints/branch/bypass?off=true").body)["bypassed"] == false);
    CHECK(api.node.last_bypass->off);
    CHECK(api.node.last_bypass->peer.pid == 42);
    CHECK(api("POST", "/v1/endpoints/branch/bypass?off=true&seconds=5").status == 400);
    CHECK(api("POST", "/v1/endpoints/branch/bypass?seconds=0").status == 400);
    CHECK(api("POST", "/v1/endpoints/other/bypass").status == 404);
}

TEST_CASE("routes: gc with dryRun removes nothing") {
    Api api;
    CHECK(json::parse(api("POST", "/v1/gc?dryRun=true").body)["removed"] == false);
    const auto done = json::parse(api("POST", "/v1/gc").body);
    CHECK(done["removed"] == true);
    CHECK(done["leftovers"][0]["pin"] == "/sys/fs/bpf/glb/v1");
    CHECK(api("POST", "/v1/gc?dryRun=1").status == 400);
    CHECK(api("GET", "/v1/gc").status == 405);
}

TEST_CASE("routes: down keeps the guard only on request") {
    Api api;
    CHECK(json::parse(api("POST", "/v1/down?keepGuard=true").body)["guardKept"] == true);
    CHECK(api.node.last_down->keep_guard);
    CHECK(api.node.last_down->peer.uid == 1000);
    CHECK(api("POST", "/v1/down").status == 200);
    CHECK_FALSE(api.node.last_down->keep_guard);
    CHECK(json::parse(api("POST", "/v1/down?keepGuard=true").body)["guardKept"] ==
          false); // none is installed
}

TEST_CASE("routes: unknown paths are 404, other methods 405 with Allow, planned paths 501") {
    Api api;
    for (const auto *path : {"/", "/v1", "/v1/statuses", "/v1/status/more", "/v2/status", "/healthz",
                             "/v1/targets/a/drain", "/v1/targets/a/b/c/drain"})
        CHECK(api("GET", path).status == 404);
    CHECK(api("GET", "status").status == 400);
    CHECK(api("GET", "/v1/%zz").status == 400);
    const auto wrong = api("DELETE", "/v1/manifest");
    CHECK(wrong.status == 405);
    CHECK(allow(wrong) == "GET, HEAD, POST");
    CHECK(allow(api("POST", "/v1/status")) == "GET, HEAD");
    const auto later = api("POST", "/v1/explain");
    CHECK(later.status == 501);
    CHECK(json::parse(later.body)["errors"][0]["message"] == "not yet supported");
    CHECK(api("GET", "/v1/trace").status == 501);
}

TEST_CASE(
    "routes: metrics are text 0.0.4, or OpenMetrics if the client prefers it; TCP serves two paths only") {
    test::FakeNode node;
    const auto handler = api::metrics_routes(node);
    const auto get = [&](const std::string &method, const std::string &path, const std::string &accept = {}) {
        HttpResponse answer;
        handler({method, path, "", {}, accept}, [&](HttpResponse response) { answer = std::move(response); });
        return answer;
    };
    CHECK(get("GET", "/metrics").content_type == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(get("GET", "/metrics").body.find("glb_build_info{version=\"0.1.0\",node=\"glb-a\"} 1") !=
          std::string::npos);
    CHECK(get("GET", "/metrics").body.find("# EOF") == std::string::npos);
    const auto open = get("GET", "/metrics", "application/openmetrics-text; version=1.0.0");
    CHECK(open.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8");
    CHECK(open.body.ends_with("\n# EOF\n"));
    node.held = {{{Severity::error, "no-healthy-target", "firewalls", "no target is healthy", ""}, {}}};
    const auto reads = node.reads;
    CHECK(get("GET", "/healthz").status == 200);
    CHECK(get("GET", "/healthz").body == "ready\nerror: no-healthy-target: firewalls\n");
    node.ready = false;
    CHECK(get("GET", "/healthz").status == 503);
    CHECK(get("GET", "/healthz").body.starts_with("not ready\n"));
    CHECK(node.reads == reads); // a load balancer may ask many times a second
    CHECK(get("GET", "/v1/status").status == 404);
    CHECK(get("POST", "/v1/down").status == 404);
    CHECK(get("POST", "/metrics").status == 405);
}
