// A node that returns fixed documents and records requests: for the tests of API and glbctl.
#pragma once

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>

#include "controller/api/node_api.h"

namespace glb::test {

class FakeNode : public NodeApi {
    static ChunkSource text_of(const char *document) {
        return [document](std::string &chunk) {
            chunk = nlohmann::json::parse(document).dump();
            return false;
        };
    }

    /// Through the documents, so that the fake cannot have members that the daemon has not.
    template <typename T>
    static T parse(const char *text) {
        const auto json = nlohmann::json::parse(text);
        auto document = documents::from_json<T>(json);
        if (!document || documents::to_json(*document) != json)
            throw std::logic_error(document ? "the fake differs from the document"
                                            : document.error().message);
        return *document;
    }

  public:
    Result<documents::NodeStatus> status() override {
        return parse<documents::NodeStatus>(
            R"({"ready": false, "notReadyReason": "not attached to srv0", "node": "glb-a", "version": "0.1.0", "epoch": 3,
            "uptimeSeconds": 130, "guard": {"installed": true, "uninspected": 0, "restored": 2,
                "warnings": ["chain post of table ip nat does NAT"]}, "bypassed": [],
            "interfaces": [{"name": "cli0", "mode": "native", "attached": true, "punt": true, "shared": false},
                           {"name": "srv0", "mode": "native", "attached": false, "punt": false, "shared": false}],
            "flows": {"active": 812, "unconfirmed": 4, "capacity": 1048576, "untracked": 0},
            "targets": {"healthy": 2, "unhealthy": 1, "draining": 0, "initial": 0, "unused": 0,
                        "unavailable": 0}})");
    }

    Result<documents::TargetList> targets(const std::optional<std::string> &group) override {
        if (group && *group != "firewalls")
            return tl::unexpected(Error{"there is no target group \"" + *group + "\"", ENOENT});
        auto document = parse<documents::TargetList>(R"({"targets": [
            {"targetGroup": "firewalls", "id": "fw-1", "address": "10.1.0.11", "port": 6081, "weight": 1,
             "state": "healthy", "reason": null, "description": null, "sinceSeconds": 40, "lastError": null,
             "drainedByOperator": false, "activeFlows": 271, "newFlows": 1200, "packetsOut": 52000,
             "packetsBack": 51999, "bytesOut": 1048576, "bytesBack": 1536, "slots": 21846},
            {"targetGroup": "firewalls", "id": "fw-2", "address": "2001:db8::12", "port": 6081, "weight": 10,
             "state": "unhealthy", "reason": "Target.Timeout", "description": "Request timed out",
             "sinceSeconds": 3900, "lastError": "connect: timed out", "drainedByOperator": false,
             "activeFlows": 0, "newFlows": 0, "packetsOut": 0, "packetsBack": 0, "bytesOut": 0,
             "bytesBack": 0, "slots": 43691}]})");
        for (auto &row : document.targets)
            row.drained_by_operator = is_drained;
        return document;
    }

    Result<documents::EndpointList> endpoints() override {
        return parse<documents::EndpointList>(
            R"({"endpoints": [{"name": "branch", "id": "vpce-02b8ee1d4db0c51c4",
            "mode": "routed", "targetGroup": "firewalls",
            "interfaces": [{"name": "cli0", "vlan": null, "mtu": 1500},
                           {"name": "eth1", "vlan": 100, "mtu": 1500}],
            "packetsIn": 1000, "bytesIn": 64000, "packetsForwarded": 999, "bytesForwarded": 63936,
            "bypassed": false, "bypassReason": null, "bypassSecondsLeft": null}]})");
    }

    Result<ChunkSource> flows(const FlowQuery &filter) override {
        last_filter = filter;
        if (filter.endpoint == "idle")
            return text_of(R"({"total": 0, "truncated": false, "flows": []})");
        return text_of(R"({"total": 812, "truncated": true, "flows": [{"endpoint": "branch",
            "protocol": "tcp", "source": "192.0.2.10:40000", "destination": "198.51.100.20:80",
            "targetGroup": "firewalls", "target": "fw-1", "state": "established", "cookie": "0x0001a2b3",
            "ageSeconds": 3, "idleSeconds": 0, "packetsOut": 12, "packetsBack": 12, "bytesOut": 9000,
            "bytesBack": 9000}]})");
    }

    Result<documents::DropList> drops() override {
        return parse<documents::DropList>(R"({"drops": [
            {"reason": "unknown_sender", "packets": 7, "bytes": 700, "meaning": "GENEVE from no target"},
            {"reason": "too_big", "packets": 0, "bytes": 0, "meaning": "does not fit the tunnel's MTU"}]})");
    }

    Result<documents::CounterList> counters() override {
        return parse<documents::CounterList>(R"({"counters": [
            {"reason": "encapsulated", "packets": 1234567, "bytes": 99,
             "meaning": "packets sent to a target"},
            {"reason": "flow_new", "packets": 3, "bytes": 0, "meaning": "new flows"}]})");
    }

    Result<documents::Guard> guard() override {
        return parse<documents::Guard>(R"({"installed": true, "uninspected": {"packets": 2, "bytes": 120},
            "restored": 1, "warnings": ["chain post of table ip nat does NAT"], "interfaces": [{"name": "cli0", "vlan": null, "endpoint": "branch",
            "whenDetached": "drop", "guarded": true, "punt": false}]})");
    }

    Result<nlohmann::json> manifest() override {
        return nlohmann::json::parse(
            R"({"version": 1, "node": {"tunnel": {"interface": "under0", "address": "10.1.0.1"}}})");
    }

    /// A text of "conflict" fails in carrying out, one without "version" is refused, all else is applied.
    Result<ApplyResult> apply(const std::string &text, const ApplyOptions &options) override {
        last_apply = options;
        last_manifest = text;
        ApplyResult result;
        if (text == "conflict")
            return tl::unexpected(Error{"cli0 carries another XDP program", EBUSY});
        if (text.find("version") == std::string::npos) {
            result.errors = {{"/version", "required; allowed is 1"},
                             {"/targetGroups/0/targets/1/address", "\"x\" is no IPv4 or IPv6 address"}};
            return result;
        }
        result.changes = {{"add", "target", "firewalls/fw-4", nullptr, {{"weight", 1}}},
                          {"change",
                           "target",
                           "firewalls/fw-1",
                           {{"weight", 1}, {"port", 6081}},
                           {{"weight", 2}, {"port", 6081}}}};
        result.applied = !options.dry_run;
        result.epoch = options.dry_run ? 3 : 4;
        result.warnings = {"under0: MTU 1500 is below 1568"};
        if (options.confirm_within && result.applied)
            result.confirm_within_seconds = static_cast<std::uint64_t>(options.confirm_within->count());
        return result;
    }

    Result<documents::History> history() override {
        return parse<documents::History>(R"({"history": [
            {"back": 0, "time": "2026-01-31T12:00:00Z", "by": "apply", "file": null, "uid": 0, "pid": 4711, "epoch": 4,
             "endpoints": 1, "targetGroups": 1, "targets": 3},
            {"back": 1, "time": "2026-01-30T08:15:00Z", "by": "start", "file": "/etc/glb/manifest.json", "uid": null, "pid": null, "epoch": 1,
             "endpoints": 1, "targetGroups": 1, "targets": 2}]})");
    }

    Result<ApplyResult> rollback(unsigned back, const ApplyOptions &options) override {
        if (back > 1)
            return tl::unexpected(Error{"the history has no manifest so far back", ENOENT});
        last_back = back;
        return apply(R"({"version": 1})", options);
    }

    Status confirm(const PeerCredentials &) override {
        if (!waits_for_confirmation)
            return tl::unexpected(Error{"no manifest waits for a confirmation", ENOENT});
        waits_for_confirmation = false;
        return {};
    }

    /// fw-2 is the last target that takes flows.
    Result<documents::Drain> drain(const DrainRequest &order) override {
        last_drain = order;
        if (order.target != "fw-1" && order.target != "fw-2")
            return tl::unexpected(Error{"there is no target " + order.group + '/' + order.target, ENOENT});
        if (order.target == "fw-2" && order.drain && !order.force)
            return tl::unexpected(Error{"firewalls/fw-2 is the last target of its group", EBUSY});
        is_drained = order.drain;
        return documents::Drain{order.group, order.target, order.drain,
                                order.target == "fw-1" ? std::uint64_t{271} : std::uint64_t{0},
                                order.drain ? std::optional<std::uint64_t>(300) : std::nullopt};
    }

    /// The group of the endpoint "down" is down, and its policy bypasses.
    Result<documents::Bypass> bypass(const BypassRequest &order) override {
        last_bypass = order;
        if (order.endpoint != "branch" && order.endpoint != "down")
            return tl::unexpected(Error{"there is no endpoint " + order.endpoint, ENOENT});
        documents::Bypass document;
        document.endpoint = order.endpoint;
        document.target_group = "firewalls";
        if (!order.off)
            document.why = "order";
        else if (order.endpoint == "down")
            document.why = "onAllUnhealthy";
        document.bypassed = document.why.has_value();
        if (order.duration)
            document.seconds_left = static_cast<std::uint64_t>(order.duration->count());
        return document;
    }

    /// The first time there is a guard, and it stays if it is to.
    Result<documents::Down> down(const DownOptions &options) override {
        last_down = options;
        has_guard = has_guard && options.keep_guard;
        return documents::Down{true, has_guard};
    }

    Result<documents::GarbageCollection> collect_garbage(bool dry_run, const PeerCredentials &) override {
        return documents::GarbageCollection{!dry_run, {{"maps", "/sys/fs/bpf/glb/v1"}}};
    }

    MetricsSnapshot metrics() override {
        MetricsSnapshot snapshot;
        snapshot.version = "0.1.0";
        snapshot.node = "glb-a";
        snapshot.ready = ready;
        return snapshot;
    }

    bool ready = true;
    bool has_guard = true;
    bool is_drained = false; ///< either target
    std::optional<FlowQuery> last_filter;
    std::optional<ApplyOptions> last_apply;
    std::optional<DownOptions> last_down;
    std::optional<DrainRequest> last_drain;
    std::optional<BypassRequest> last_bypass;
    std::optional<unsigned> last_back;
    bool waits_for_confirmation = true;
    std::string last_manifest;
};

} // namespace glb::test
