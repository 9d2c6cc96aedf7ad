// The documents against golden JSON: scripts depend on each name, so that a renamed member fails here.
#include <catch2/catch.hpp>

#include <algorithm>

#include "controller/documents/apply.h"
#include "controller/documents/counters.h"
#include "controller/documents/endpoints.h"
#include "controller/documents/errors.h"
#include "controller/documents/flows.h"
#include "controller/documents/guard.h"
#include "controller/documents/history.h"
#include "controller/documents/overrides.h"
#include "controller/documents/removal.h"
#include "controller/documents/status.h"
#include "controller/documents/targets.h"

using namespace glb;
using namespace glb::documents;

namespace {

constexpr auto golden_status = R"({
    "ready": false, "notReadyReason": "not attached to srv0",
    "degraded": [{"severity": "error", "what": "interface-down", "where": "srv0", "message": "is down",
                  "fix": "ip link set srv0 up", "sinceSeconds": 7}],
    "node": "glb-a", "version": "0.1.0", "epoch": 3,
    "uptimeSeconds": 130, "countersSince": "2026-11-30T19:40:00Z",
    "guard": {"installed": true, "uninspected": 5, "restored": 2, "warnings": ["chain post of table ip nat does NAT"]},
    "bypassed": ["branch"],
    "interfaces": [{"name": "cli0", "mode": "native", "attached": true, "punt": true, "shared": true}],
    "flows": {"active": 812, "unconfirmed": 4, "capacity": 1048576, "untracked": 9},
    "targets": {"healthy": 1, "unhealthy": 2, "draining": 3, "initial": 4, "unused": 5, "unavailable": 6},
    "confirmation": {"secondsLeft": 60}})";

constexpr auto golden_targets = R"({"targets": [{
    "targetGroup": "firewalls", "id": "fw-1", "address": "10.1.0.11", "port": 6081, "weight": 1, "state": "unhealthy",
    "reason": "Target.Timeout", "description": "Request timed out", "sinceSeconds": 40,
    "lastError": "connect: timed out", "lastErrorSecondsAgo": 3, "localErrors": 2, "silentSeconds": 4, "silentPackets": 99, "drainedByOperator": true,
    "activeFlows": 271, "newFlows": 1200,
    "packetsOut": 5, "packetsBack": 6, "bytesOut": 7, "bytesBack": 18446744073709551615, "slots": 21846}]})";

constexpr auto golden_endpoints = R"({"endpoints": [{
    "name": "branch", "id": "vpce-02b8ee1d4db0c51c4", "mode": "routed", "targetGroup": "firewalls",
    "interfaces": [{"name": "cli0", "vlan": [7, 100], "mtu": 1500}],
    "packetsIn": 1, "bytesIn": 2, "packetsForwarded": 3, "bytesForwarded": 4, "bypassed": true,
    "bypassReason": "operator", "bypassSecondsLeft": 600}]})";

constexpr auto golden_flows = R"({"total": 812, "truncated": true, "flows": [{
    "endpoint": "branch", "protocol": "icmp", "source": "192.0.2.10", "destination": "198.51.100.20",
    "targetGroup": "firewalls", "target": "fw-1", "state": "established", "cookie": "0x0001a2b3", "ageSeconds": 3,
    "idleSeconds": 1, "packetsOut": 12, "packetsBack": 13, "bytesOut": 9000, "bytesBack": 9001, "identifier": 77}]})";

constexpr auto golden_drops = R"({"drops": [{"reason": "unknown_sender", "packets": 7, "bytes": 700,
    "meaning": "GENEVE from an address that is no target",
    "fix": "add it as a target"}]})";

constexpr auto golden_counters = R"({"counters": [{"reason": "flow_new", "packets": 3, "bytes": 1,
    "meaning": "new flows"}]})";

constexpr auto golden_guard =
    R"({"installed": true, "uninspected": {"packets": 2, "bytes": 120}, "restored": 1,
    "warnings": ["chain post of table ip nat does NAT"],
    "interfaces": [{"name": "cli0", "vlan": 100, "endpoint": "branch", "whenDetached": "drop", "guarded": true,
                    "punt": true}]})";

constexpr auto golden_apply = R"({
    "changes": [{"action": "change", "kind": "target", "name": "firewalls/fw-1", "before": {"weight": 1},
                 "after": {"weight": 2}}],
    "applied": true, "epoch": 4, "warnings": ["under0: MTU 1500 is below 1568"],
    "drainedByOperator": ["firewalls/fw-2"], "confirmWithinSeconds": 60})";

constexpr auto golden_history = R"({"history": [{
    "back": 1, "time": "2026-01-31T12:00:00Z", "by": "apply", "file": "/etc/glb/manifest.json", "uid": 4294967295,
    "pid": 4711, "epoch": 4, "endpoints": 1, "targetGroups": 2, "targets": 3}]})";

constexpr auto golden_drain = R"({"targetGroup": "firewalls", "id": "fw-1", "drainedByOperator": true,
    "activeFlows": 271, "secondsLeft": 300})";
constexpr auto golden_bypass = R"({"endpoint": "branch", "bypassed": true, "why": "operator",
    "targetGroup": "firewalls", "secondsLeft": 600})";
constexpr auto golden_confirm = R"({"confirmed": true})";
constexpr auto golden_down = R"({"down": true, "guardKept": true, "guardLeft": "another's"})";
constexpr auto golden_garbage =
    R"({"removed": true, "leftovers": [{"kind": "maps", "pin": "/sys/fs/bpf/glb/v1"}]})";
constexpr auto golden_errors =
    R"({"errors": [{"pointer": "/version", "message": "required; allowed is 1"}]})";

/// Pointers of all values in `document` except the root.
std::vector<json::json_pointer> all_pointers(const json &document,
                                             const json::json_pointer &at = json::json_pointer()) {
    std::vector<json::json_pointer> all;
    const auto add = [&](const json::json_pointer &location, const json &value) {
        all.push_back(location);
        const auto below = all_pointers(value, location);
        all.insert(all.end(), below.begin(), below.end());
    };
    if (document.is_object())
        for (const auto &[name, value] : document.items())
            add(at / name, value);
    else if (document.is_array())
        for (std::size_t i = 0; i < document.size(); ++i)
            add(at / i, document[i]);
    return all;
}

/// Whether the value survives a round trip unchanged.
template <Document T>
void check_round_trip(const json &golden) {
    const auto document = from_json<T>(golden);
    INFO(golden.dump() << (document ? "" : document.error().message));
    REQUIRE(document);
    CHECK(to_json(*document) == golden);
    CHECK(serialize(*document) == golden.dump());
    CHECK(*from_json<T>(to_json(*document)) == *document);
}

/// `free` are pointers below which a document may contain any JSON.
template <Document T>
void check_document(const char *text, const std::vector<std::string> &free = {}) {
    const auto golden = json::parse(text);
    check_round_trip<T>(golden);
    for (const auto &location : all_pointers(golden)) {
        INFO(location.to_string());
        if (std::ranges::any_of(free,
                                [&](const auto &prefix) { return location.to_string().starts_with(prefix); }))
            continue;

        auto wrong = golden;
        wrong[location] =
            golden[location].is_object() || golden[location].is_array() ? json("text") : json::object();
        const auto refused = from_json<T>(wrong);
        REQUIRE_FALSE(refused);
        const auto pointer = refused.error().message.substr(0, refused.error().message.find(':'));
        CHECK(location.to_string().starts_with(pointer)); // the array for an element of VlanTags
        CHECK(pointer.size() > 1);

        if (golden[location.parent_pointer()].is_array())
            continue;
        auto without = golden;
        without[location.parent_pointer()].erase(location.back());
        if (const auto read = from_json<T>(without))
            CHECK_FALSE(*read == *from_json<T>(golden));
        else
            CHECK(read.error().message == location.to_string() + ": missing");

        auto newer = golden;
        auto &parent = newer[location.parent_pointer()];
        parent["fromANewerVersion"] = {{"x", 1}};
        CHECK(*from_json<T>(newer) == *from_json<T>(golden));
    }
    const auto no_object = from_json<T>(json::array());
    REQUIRE_FALSE(no_object);
    CHECK(no_object.error().message == "/: expected an object, got array");
}

} // namespace

TEST_CASE("documents: every member is read and written under its name, and with its type") {
    check_document<NodeStatus>(golden_status);
    check_document<TargetList>(golden_targets);
    check_document<EndpointList>(golden_endpoints);
    check_document<FlowList>(golden_flows);
    check_document<DropList>(golden_drops);
    check_document<CounterList>(golden_counters);
    check_document<documents::Guard>(golden_guard);
    check_document<Apply>(golden_apply, {"/changes/0/before", "/changes/0/after"});
    check_document<History>(golden_history);
    check_document<Drain>(golden_drain);
    check_document<Bypass>(golden_bypass);
    check_document<Confirm>(golden_confirm);
    check_document<Down>(golden_down);
    check_document<GarbageCollection>(golden_garbage);
    check_document<Errors>(golden_errors);
}

TEST_CASE("documents: members without a value are null, or omitted where documented") {
    CHECK(to_json(NodeStatus{})["notReadyReason"].is_null());
    CHECK_FALSE(to_json(NodeStatus{}).contains("confirmation"));
    CHECK_FALSE(to_json(Flow{}).contains("identifier"));
    CHECK_FALSE(to_json(Apply{}).contains("confirmWithinSeconds"));
    CHECK(to_json(Change{})["before"].is_null());
    const auto target = to_json(Target{});
    for (const char *member :
         {"reason", "description", "lastError", "lastErrorSecondsAgo", "silentSeconds", "silentPackets"})
        CHECK(target[member].is_null());
    const auto endpoint = to_json(Endpoint{});
    CHECK(endpoint["bypassReason"].is_null());
    CHECK(endpoint["bypassSecondsLeft"].is_null());
    CHECK(to_json(EndpointInterface{}) == json{{"name", ""}, {"vlan", nullptr}, {"mtu", nullptr}});
    const auto entry = to_json(HistoryEntry{});
    for (const char *member : {"file", "uid", "pid"})
        CHECK((entry.contains(member) && entry[member].is_null()));
    for (const char *member : {"endpoints", "targetGroups", "targets"})
        CHECK_FALSE(entry.contains(member));
    CHECK(to_json(Drain{})["secondsLeft"].is_null());
    CHECK(to_json(Bypass{})["why"].is_null());
    CHECK(to_json(TargetList{}) == json{{"targets", json::array()}});
    check_round_trip<NodeStatus>(to_json(NodeStatus{}));
    check_round_trip<History>({{"history", {entry}}});
    check_round_trip<EndpointList>({{"endpoints", {endpoint}}});
}

TEST_CASE("documents: VLANs are null, a number, or an array") {
    for (const auto &vlan : {json(), json(100), json({7, 100})}) {
        const json golden = {{"name", "eth1"}, {"vlan", vlan}, {"mtu", 1500}};
        check_round_trip<EndpointInterface>(golden);
    }
    CHECK_FALSE(from_json<EndpointInterface>({{"vlan", "100"}}));
    CHECK_FALSE(from_json<EndpointInterface>({{"vlan", 4096}}));
    CHECK_FALSE(from_json<EndpointInterface>({{"vlan", {1, -2}}}));
}

TEST_CASE("documents: numbers outside the member's range are errors") {
    const auto error_of = [](const json &port) {
        const auto document = from_json<TargetList>({{"targets", {{{"port", port}}}}});
        return document ? "" : document.error().message;
    };
    CHECK(error_of(65535).empty());
    CHECK(error_of(65536) == "/targets/0/port: expected a whole number from 0 to 65535, got number");
    CHECK_FALSE(error_of(-1).empty());
    CHECK_FALSE(error_of(1.5).empty());
    CHECK_FALSE(from_json<HistoryEntry>({{"pid", 18446744073709551615ull}}));
    CHECK(from_json<HistoryEntry>({{"pid", -1}}));
}

TEST_CASE("documents: invalid UTF-8 is replaced in serialized texts") {
    Errors errors{{{"", "device \xff is missing"}}};
    CHECK(json::parse(serialize(errors))["errors"][0]["message"] == "device \xef\xbf\xbd is missing");
}

TEST_CASE("documents: targets are counted by the name of their state") {
    TargetStateCounts counts;
    for (const char *state : {"healthy", "draining", "draining", "of a newer version"})
        counts.add(state);
    CHECK(counts.healthy == 1);
    CHECK(counts.draining == 2);
    CHECK(counts == *from_json<TargetStateCounts>({{"healthy", 1}, {"draining", 2}}));
}
