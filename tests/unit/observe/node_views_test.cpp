// NodeViews: documents from the snapshots alone, with no data path loaded.
#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>

#include "controller/config/parser.h"
#include "controller/observe/node_views.h"
#include "controller/observe/view_parts.h"

using namespace glb;
using namespace glb::health;
using namespace glb::observe;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto manifest_text = R"({
  "version": 1,
  "node": {"name": "edge-1", "tunnel": {"interface": "eth0", "address": "192.0.2.1"}},
  "endpoints": [
    {"name": "web", "id": "0x1", "interfaces": ["eth1"], "targetGroup": "fw"},
    {"name": "lan", "id": "0x2", "interfaces": [{"name": "eth2", "vlan": 7}], "targetGroup": "fw",
     "whenDetached": "pass"}],
  "targetGroups": [
    {"name": "fw", "targets": [{"id": "a", "address": "192.0.2.10"}, {"id": "b", "address": "192.0.2.11"}]},
    {"name": "ids", "targets": [{"id": "a", "address": "192.0.2.20"}]}]
})";

TargetSnapshot target_in(TargetState state, const std::string &group, const std::string &id,
                         std::uint16_t index) {
    TargetSnapshot target;
    target.group = group;
    target.name = group + '/' + id;
    target.target.id = id;
    target.target.address = *IpAddress::parse("192.0.2.10");
    target.target.index = index;
    target.state = state;
    target.since = Clock::now() - 90s;
    return target;
}

/// A node whose manifest is active, but whose data path is not loaded.
struct ViewFixture {
    Published<NodeSnapshot> node{std::make_shared<const NodeSnapshot>()};
    HealthSnapshot health;
    std::optional<plan::PacketCount> counted = plan::PacketCount{};
    NodeViews views{{node, [this] { return std::make_shared<const HealthSnapshot>(health); },
                     [this]() -> Result<std::optional<plan::PacketCount>> { return counted; },
                     [] { return 5ms; }, "/nonexistent/history", "1.2.3", Clock::now() - 60s}};

    ViewFixture() {
        health.targets = {target_in(TargetState::healthy, "fw", "a", 0),
                          target_in(TargetState::unhealthy, "fw", "b", 1),
                          target_in(TargetState::healthy, "ids", "a", 2)};
        health.groups["fw"] = GroupAction::steer;
        publish([](NodeSnapshot &) {});
    }
    template <typename Change>
    void publish(Change change) {
        NodeSnapshot next;
        const auto manifest = config::parse_manifest(manifest_text);
        REQUIRE(manifest);
        next.not_ready_reason.clear();
        next.manifest = std::make_shared<const config::Manifest>(*manifest);
        next.interfaces = {{"eth0", {true, 1500, true, true}}, {"eth1", {true, 9000, true, false}}};
        next.guard.installed = true;
        next.guard.manifest = next.manifest;
        next.maglev_slots = {{0, 40000}, {1, 25537}};
        change(next);
        node.store(std::make_shared<const NodeSnapshot>(std::move(next)));
    }
};

} // namespace

TEST_CASE("views: before the first manifest everything is empty, and nothing fails", "[views]") {
    ViewFixture it;
    it.node.store(std::make_shared<const NodeSnapshot>());
    it.health = {};
    CHECK(it.views.not_ready_reason() == "starting");
    const auto status = it.views.status();
    REQUIRE(status);
    CHECK_FALSE(status->ready);
    CHECK(status->not_ready_reason == "starting");
    CHECK(status->epoch == 0);
    CHECK(status->flows == documents::FlowTableUsage{});
    CHECK_FALSE(status->node.empty()); // the host's
    CHECK(it.views.targets({})->targets.empty());
    CHECK(it.views.endpoints()->endpoints.empty());
    CHECK(it.views.guard()->interfaces.empty());
    CHECK(it.views.history()->history.empty());
    CHECK(it.views.manifest().error().code == ENOENT);
    CHECK(it.views.flows({}).error().code == EAGAIN);
    CHECK(it.views.targets("fw").error().code == ENOENT);
}

TEST_CASE("views: drops and counters name every reason while nothing is loaded", "[views]") {
    ViewFixture it;
    const auto drops = it.views.drops();
    const auto counters = it.views.counters();
    REQUIRE(drops);
    REQUIRE(counters);
    CHECK(drops->drops.size() == std::size(drop_texts));
    CHECK(counters->counters.size() == std::size(counter_texts));
    CHECK(std::ranges::all_of(drops->drops, [](const auto &row) {
        return row.packets == 0 && !row.reason.empty() && !row.meaning.empty();
    }));
    const std::set<std::string> without_fix{"malformed",       "no_config",      "outer_malformed",
                                            "geneve_version",  "geneve_control", "geneve_protocol",
                                            "inner_malformed", "unknown_flow",   "flow_reset"};
    for (const auto &row : drops->drops) {
        INFO(row.reason);
        CHECK(row.fix.has_value() != without_fix.contains(row.reason));
    }
}

TEST_CASE("views: a group without a healthy target degrades the node, whatever its policy does", "[views]") {
    using Row = std::tuple<GroupAction, TargetState, std::string, std::string>;
    const auto [action, state, what, consequence] = GENERATE(values<Row>(
        {{GroupAction::spread, TargetState::unhealthy, "no-healthy-target", "spread over all its targets"},
         {GroupAction::bypass, TargetState::unhealthy, "no-healthy-target", "forwarded UNINSPECTED"},
         {GroupAction::drop, TargetState::unhealthy, "no-healthy-target", "dropped (no_target)"},
         {GroupAction::spread, TargetState::initial, "targets-initial", "spread over all of them"},
         {GroupAction::no_target_yet, TargetState::initial, "targets-initial", "dropped (no_target_yet)"},
         {GroupAction::no_target, TargetState::draining, "no-target", "dropped (no_target)"}}));
    ViewFixture it;
    it.health.groups["fw"] = action;
    it.health.groups["ids"] = GroupAction::drop; // no endpoint uses it
    for (auto &target : it.health.targets)
        target.state = target.group == "fw" ? state : TargetState::healthy;
    it.health.targets[0].since = Clock::now() - 30s; // the last that failed
    const auto status = it.views.status();
    REQUIRE(status);
    CHECK(status->ready);
    REQUIRE_FALSE(status->degraded.empty());
    const auto &row = status->degraded[0];
    CHECK(row.severity == (what == "targets-initial" ? "warning" : "error"));
    CHECK(row.what == what);
    CHECK(row.where == "fw");
    CHECK_THAT(row.message, Catch::Contains(consequence));
    CHECK(row.since_seconds == 30);
    CHECK(status->degraded.size() == (state == TargetState::unhealthy ? 3 : 1)); // and each unhealthy target
    CHECK(it.views.conditions().size() == status->degraded.size());
}

TEST_CASE("views: conditions of control and an unhealthy target are shown, errors first", "[views]") {
    ViewFixture it;
    it.health.targets[1].description = "Health checks failed";
    it.publish([](NodeSnapshot &node) {
        node.conditions = {{{Severity::error, "interface-down", "srv0", "is down", "ip link set srv0 up"},
                            Clock::now() - 10s},
                           {{Severity::warning, "foreign-nat", "chain a", "does NAT", ""}, Clock::now()}};
    });
    const auto degraded = it.views.status()->degraded;
    REQUIRE(degraded.size() == 3);
    CHECK(degraded[0] ==
          documents::Degradation{"error", "interface-down", "srv0", "is down", "ip link set srv0 up", 10});
    CHECK(degraded[1].what == "foreign-nat");
    CHECK(degraded[2] ==
          documents::Degradation{"warning", "target-unhealthy", "fw/b", "Health checks failed", "", 90});
    it.health.targets[1].state = TargetState::healthy;
    CHECK(it.views.status()->degraded.size() == 2);
}

TEST_CASE("views: targets and groups from which nothing returns are shown, whether or not they are ejected",
          "[views]") {
    ViewFixture it;
    it.health.targets[0].silence = Silence{Clock::now() - 20s, 5000};
    it.health.targets[1].silence = Silence{Clock::now() - 20s, 7}; // unhealthy: said already
    it.health.conditions["fw"].silent_since = Clock::now() - 12s;
    const auto degraded = it.views.status()->degraded;
    REQUIRE(degraded.size() == 3);
    CHECK(degraded[0].severity == "error");
    CHECK(degraded[0].what == "group-silent");
    CHECK(degraded[0].where == "fw");
    CHECK(degraded[0].since_seconds == 12);
    CHECK(degraded[1].what == "no-return-traffic");
    CHECK(degraded[1].where == "fw/a");
    CHECK_THAT(degraded[1].message, Catch::StartsWith("5000 packets were sent"));
    CHECK(degraded[2].what == "target-unhealthy");
}

TEST_CASE("views: checks that cannot be sent are an error of the node while they last", "[views]") {
    ViewFixture it;
    it.health.targets[1].state = TargetState::healthy;
    it.health.local_errors = {.count = 7, .text = "probe socket: Too many open files", .since = {}};
    CHECK(it.views.status()->degraded.empty()); // they are sent again
    it.health.local_errors.since = Clock::now() - 12s;
    const auto degraded = it.views.status()->degraded;
    REQUIRE(degraded.size() == 1);
    CHECK(degraded[0].severity == "error");
    CHECK(degraded[0].what == "health-checks-not-sent");
    CHECK(degraded[0].message == "health checks cannot be sent: probe socket: Too many open files; targets "
                                 "keep their states meanwhile");
    CHECK_THAT(degraded[0].fix, Catch::Contains("LimitNOFILE") && Catch::Contains("ip_local_port_range"));
    CHECK(degraded[0].since_seconds == 12);
}

TEST_CASE("views: status counts targets by state and lists the manifest's interfaces", "[views]") {
    ViewFixture it;
    const auto status = it.views.status();
    REQUIRE(status);
    CHECK(status->ready);
    CHECK_FALSE(status->not_ready_reason);
    CHECK(status->node == "edge-1");
    CHECK(status->version == "1.2.3");
    CHECK(status->uptime_seconds >= 60);
    CHECK(status->targets.healthy == 2);
    CHECK(status->targets.unhealthy == 1);
    CHECK(status->bypassed.empty());
    CHECK_FALSE(status->confirmation);
    REQUIRE(status->interfaces.size() == 3);
    for (const auto &row : status->interfaces) {
        INFO(row.name);
        CHECK(row.attached == (row.name != "eth2")); // eth2 does not exist
        CHECK(row.punt == (row.name == "eth0"));     // eth1: no metadata; eth2: does not exist
    }
}

TEST_CASE("views: an operator's bypass has its reason and its end", "[views]") {
    ViewFixture it;
    it.publish([](NodeSnapshot &next) { next.bypasses["web"] = Clock::now() + 30s; });
    CHECK(it.views.status()->bypassed == std::vector<std::string>{"web"});
    const auto list = it.views.endpoints();
    REQUIRE(list);
    REQUIRE(list->endpoints.size() == 2);
    const auto &web = list->endpoints[0], &lan = list->endpoints[1];
    CHECK(web.bypassed);
    CHECK(web.bypass_reason);
    REQUIRE(web.bypass_seconds_left);
    CHECK(*web.bypass_seconds_left >= 29);
    CHECK(*web.bypass_seconds_left <= 30);
    CHECK_FALSE(lan.bypassed);
    CHECK_FALSE(lan.bypass_reason);
    CHECK_FALSE(lan.bypass_seconds_left);
    CHECK(web.interfaces[0].mtu == 9000u);
    CHECK_FALSE(lan.interfaces[0].mtu); // no such interface
}

TEST_CASE("views: a bypass by the group's policy has its reason", "[views]") {
    ViewFixture it;
    it.health.groups["fw"] = GroupAction::bypass;
    CHECK(it.views.status()->bypassed == std::vector<std::string>{"web", "lan"});
    CHECK(it.views.metrics().endpoints[0].bypassed);
}

TEST_CASE("views: targets of one group, with the slots of those that are not removed", "[views]") {
    ViewFixture it;
    it.health.targets[1].drain_until = Clock::now() + 60s;
    CHECK(it.views.targets({})->targets.size() == 3);
    const auto list = it.views.targets("fw");
    REQUIRE(list);
    REQUIRE(list->targets.size() == 2);
    CHECK(list->targets[0].slots == 40000);
    CHECK(list->targets[0].state == "healthy");
    CHECK(list->targets[0].since_seconds >= 90);
    CHECK_FALSE(list->targets[0].last_error);
    CHECK(list->targets[1].slots == 0);
    CHECK(it.views.targets("ids")->targets.size() == 1);
    CHECK(it.views.targets("other").error().code == ENOENT);
}

TEST_CASE("views: the guard's count is that of the last check and what the kernel counted since", "[views]") {
    ViewFixture it;
    it.publish([](NodeSnapshot &next) { next.guard.counted = next.guard.counter = {10, 1000}; });
    it.counted = plan::PacketCount{12, 1200};
    CHECK(it.views.guard()->uninspected.packets == 12);
    it.counted = plan::PacketCount{3, 300}; // reset externally
    CHECK(it.views.guard()->uninspected.packets == 13);
    it.counted.reset(); // the counter was deleted
    CHECK(it.views.status()->guard.uninspected == 10);
    CHECK(it.views.metrics().guard_uninspected_bytes == 1000);
}

TEST_CASE("views: the guard lists the endpoints that it protects", "[views]") {
    ViewFixture it;
    const auto guard = it.views.guard();
    REQUIRE(guard);
    REQUIRE(guard->interfaces.size() == 2);
    CHECK(guard->interfaces[0].endpoint == "web");
    CHECK(guard->interfaces[1].endpoint == "lan");
    it.publish([](NodeSnapshot &next) { next.guard.installed = false; });
    CHECK_FALSE(it.views.guard()->installed);
    CHECK_FALSE(it.views.guard()->interfaces[0].guarded);
}

TEST_CASE("views: a pending confirmation shows the seconds left", "[views]") {
    ViewFixture it;
    it.publish([](NodeSnapshot &next) { next.confirm_until = Clock::now() + 10s; });
    const auto status = it.views.status();
    REQUIRE(status->confirmation);
    CHECK(status->confirmation->seconds_left >= 9);
    CHECK(status->confirmation->seconds_left <= 10);
}

TEST_CASE("views: metrics agree with the documents", "[views]") {
    ViewFixture it;
    const auto metrics = it.views.metrics();
    CHECK(metrics.ready);
    CHECK(metrics.node == "edge-1");
    CHECK(metrics.loop_lag_seconds == Approx(0.005));
    REQUIRE(metrics.targets.size() == 3);
    CHECK(metrics.targets[1].state == "unhealthy");
    CHECK(metrics.interfaces.size() == 3);
    CHECK(metrics.flows_capacity == 0);
}

TEST_CASE("views: the manifest is the active one, and parses", "[views]") {
    ViewFixture it;
    const auto document = it.views.manifest();
    REQUIRE(document);
    const auto parsed = config::parse_manifest(document->dump());
    REQUIRE(parsed);
    CHECK(*parsed == *it.node.load()->manifest);
}
