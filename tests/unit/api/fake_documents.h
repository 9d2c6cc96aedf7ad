// The documents of FakeNode.
#pragma once

#include <stdexcept>

#include "controller/documents/flows.h"
#include "controller/documents/status.h"
#include "controller/util/chunk_source.h"

namespace glb::test {

/// Reads `text` through the document's struct, so that a fake cannot have other members than the daemon.
template <typename T>
T parse_fake(const char *text) {
    const auto json = nlohmann::json::parse(text);
    auto document = documents::from_json<T>(json);
    if (!document || documents::to_json(*document) != json)
        throw std::logic_error(document ? "the fake differs from the document" : document.error().message);
    return *document;
}

inline constexpr auto fake_status =
    R"({"ready": false, "notReadyReason": "not attached to srv0", "degraded": [
                {"severity": "error", "what": "no-healthy-target", "where": "firewalls",
                 "message": "no target of the group is healthy", "fix": "glbctl targets", "sinceSeconds": 70},
                {"severity": "warning", "what": "foreign-nat", "where": "", "message": "a chain does NAT", "fix": "",
                 "sinceSeconds": 130}], "node": "glb-a", "version": "0.1.0", "epoch": 3,
            "uptimeSeconds": 130, "countersSince": "2026-11-30T19:40:00Z", "guard": {"installed": true, "uninspected": 0, "restored": 2,
                "warnings": ["chain post of table ip nat does NAT"]}, "bypassed": [],
            "interfaces": [{"name": "cli0", "mode": "native", "attached": true, "punt": true, "shared": false},
                           {"name": "srv0", "mode": "native", "attached": false, "punt": false, "shared": false}],
            "flows": {"active": 812, "unconfirmed": 4, "capacity": 1048576, "untracked": 0},
            "targets": {"healthy": 2, "unhealthy": 1, "draining": 0, "initial": 0, "unused": 0,
                        "unavailable": 0}, "confirmation": {"secondsLeft": 60}})";

/// `severity`: the node is ready, and has only conditions of this one.
inline documents::NodeStatus node_status(const std::optional<std::string> &severity) {
    auto status = parse_fake<documents::NodeStatus>(fake_status);
    if (!severity)
        return status;
    status.ready = true;
    status.not_ready_reason.reset();
    std::erase_if(status.degraded, [&](const auto &row) { return row.severity != *severity; });
    return status;
}

inline constexpr auto fake_targets = R"({"targets": [
            {"targetGroup": "firewalls", "id": "fw-1", "address": "10.1.0.11", "port": 6081, "weight": 1,
             "state": "healthy", "reason": null, "description": null, "sinceSeconds": 40, "lastError": null, "lastErrorSecondsAgo": null, "localErrors": 0,
             "silentSeconds": null, "silentPackets": null,
             "drainedByOperator": false, "activeFlows": 271, "newFlows": 1200, "packetsOut": 52000,
             "packetsBack": 51999, "bytesOut": 1048576, "bytesBack": 1536, "slots": 21846},
            {"targetGroup": "firewalls", "id": "fw-2", "address": "2001:db8::12", "port": 6081, "weight": 10,
             "state": "unhealthy", "reason": "Target.Timeout", "description": "Request timed out",
             "sinceSeconds": 3900, "lastError": "connect: timed out", "lastErrorSecondsAgo": 2, "localErrors": 0,
             "silentSeconds": null, "silentPackets": null, "drainedByOperator": false,
             "activeFlows": 0, "newFlows": 0, "packetsOut": 0, "packetsBack": 0, "bytesOut": 0,
             "bytesBack": 0, "slots": 43691}]})";

inline constexpr auto fake_endpoints = R"({"endpoints": [{"name": "branch", "id": "vpce-02b8ee1d4db0c51c4",
            "mode": "routed", "targetGroup": "firewalls",
            "interfaces": [{"name": "cli0", "vlan": null, "mtu": 1500},
                           {"name": "eth1", "vlan": 100, "mtu": 1500}],
            "packetsIn": 1000, "bytesIn": 64000, "packetsForwarded": 999, "bytesForwarded": 63936,
            "bypassed": false, "bypassReason": null, "bypassSecondsLeft": null}]})";

inline constexpr auto fake_drops = R"({"drops": [
            {"reason": "unknown_sender", "packets": 7, "bytes": 700, "meaning": "GENEVE from no target",
             "fix": "add it as a target"},
            {"reason": "too_big", "packets": 0, "bytes": 0, "meaning": "does not fit the tunnel's MTU"}]})";

inline constexpr auto fake_counters = R"({"counters": [
            {"reason": "encapsulated", "packets": 1234567, "bytes": 99,
             "meaning": "packets sent to a target"},
            {"reason": "flow_new", "packets": 3, "bytes": 0, "meaning": "new flows"}]})";

inline constexpr auto fake_guard = R"({"installed": true, "uninspected": {"packets": 2, "bytes": 120},
            "restored": 1, "warnings": ["chain post of table ip nat does NAT"], "interfaces": [{"name": "cli0", "vlan": null, "endpoint": "branch",
            "whenDetached": "drop", "guarded": true, "punt": false}]})";

inline constexpr auto fake_history = R"({"history": [
            {"back": 0, "time": "2026-01-31T12:00:00Z", "by": "apply", "file": null, "uid": 0, "pid": 4711, "epoch": 4,
             "endpoints": 1, "targetGroups": 1, "targets": 3},
            {"back": 1, "time": "2026-01-30T08:15:00Z", "by": "start", "file": "/etc/glb/manifest.json", "uid": null, "pid": null, "epoch": 1,
             "endpoints": 1, "targetGroups": 1, "targets": 2}]})";

inline constexpr auto fake_flows = R"({"total": 812, "truncated": true, "flows": [{"endpoint": "branch",
    "protocol": "tcp", "source": "192.0.2.10:40000", "destination": "198.51.100.20:80",
    "targetGroup": "firewalls", "target": "fw-1", "state": "established", "cookie": "0x0001a2b3",
    "ageSeconds": 3, "idleSeconds": 0, "packetsOut": 12, "packetsBack": 12, "bytesOut": 9000,
    "bytesBack": 9000}]})";

/// The text of a FlowList of `count` equal flows, in chunks.
inline ChunkSource generate_flows(std::uint64_t count) {
    const auto flow = parse_fake<documents::FlowList>(fake_flows).flows.front();
    return [flow, count, list = documents::FlowListText()](std::string &chunk) mutable {
        if (list.added() == 0)
            list.begin(chunk);
        while (list.added() < count && chunk.size() < chunk_bytes)
            list.add(chunk, flow);
        if (list.added() < count)
            return true;
        list.end(chunk, count);
        return false;
    };
}

} // namespace glb::test
