// A node that returns fixed documents and records requests: for the tests of API and glbctl.
#pragma once

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>

#include "controller/control/commands.h"
#include "controller/documents/flows.h"
#include "controller/observe/node_reads.h"
#include "fake_documents.h"

namespace glb::test {

class FakeNode : public observe::NodeReads, public control::NodeCommands {
  public:
    Result<documents::NodeStatus> status() const override {
        ++reads;
        return node_status(has_degraded_only);
    }
    Result<documents::TargetList> targets(const std::optional<std::string> &group) const override {
        ++reads;
        if (group && *group != "firewalls")
            return tl::unexpected(Error{"there is no target group \"" + *group + "\"", ENOENT});
        auto document = parse_fake<documents::TargetList>(fake_targets);
        for (auto &row : document.targets)
            row.drained_by_operator = is_drained;
        return document;
    }

    Result<documents::EndpointList> endpoints() const override {
        ++reads;
        return parse_fake<documents::EndpointList>(fake_endpoints);
    }

    Result<ChunkSource> flows(const observe::FlowQuery &filter) const override {
        ++reads;
        last_filter = filter;
        if (filter.target == "unknown")
            return tl::unexpected(Error{"there is no target \"unknown\"", ENOENT});
        if (generated_flows != 0)
            return generate_flows(generated_flows);
        return [is_empty = filter.endpoint == "idle"](std::string &chunk) {
            chunk = documents::serialize(is_empty ? documents::FlowList()
                                                  : parse_fake<documents::FlowList>(fake_flows));
            return false;
        };
    }

    Result<documents::DropList> drops() const override {
        ++reads;
        return parse_fake<documents::DropList>(fake_drops);
    }

    Result<documents::CounterList> counters() const override {
        ++reads;
        return parse_fake<documents::CounterList>(fake_counters);
    }

    Result<documents::Guard> guard() const override {
        ++reads;
        return parse_fake<documents::Guard>(fake_guard);
    }

    Result<nlohmann::json> manifest() const override {
        ++reads;
        return nlohmann::json::parse(
            R"({"version": 1, "node": {"tunnel": {"interface": "under0", "address": "10.1.0.1"}}})");
    }

    /// "conflict" fails during execution, a text without "version" is rejected, any other is applied.
    Result<control::ApplyResult> execute_apply(const std::string &text,
                                               const control::ApplyOptions &options) {
        last_apply = options;
        last_manifest = text;
        control::ApplyResult result;
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

    Result<documents::History> history() const override {
        ++reads;
        return parse_fake<documents::History>(fake_history);
    }

    Result<control::ApplyResult> execute_rollback(unsigned back, const control::ApplyOptions &options) {
        if (back > 1)
            return tl::unexpected(Error{"the history has no manifest so far back", ENOENT});
        last_back = back;
        return execute_apply(R"({"version": 1})", options);
    }

    Status execute_confirm(const PeerCredentials &) {
        if (!waits_for_confirmation)
            return tl::unexpected(Error{"no manifest is pending confirmation", ENOENT});
        waits_for_confirmation = false;
        return {};
    }

    /// fw-2 is the last target that accepts flows.
    Result<documents::Drain> execute_drain(const control::DrainRequest &request) {
        last_drain = request;
        if (request.target != "fw-1" && request.target != "fw-2")
            return tl::unexpected(
                Error{"there is no target " + request.group + '/' + request.target, ENOENT});
        if (request.target == "fw-2" && request.drain && !request.force)
            return tl::unexpected(Error{"firewalls/fw-2 is the last target of its group", EBUSY});
        is_drained = request.drain;
        return documents::Drain{request.group, request.target, request.drain,
                                request.target == "fw-1" ? std::uint64_t{271} : std::uint64_t{0},
                                request.drain ? std::optional<std::uint64_t>(300) : std::nullopt};
    }

    /// The group of the endpoint "down" is down, and its policy bypasses.
    Result<documents::Bypass> execute_bypass(const control::BypassRequest &request) {
        last_bypass = request;
        if (request.endpoint != "branch" && request.endpoint != "down")
            return tl::unexpected(Error{"there is no endpoint " + request.endpoint, ENOENT});
        documents::Bypass document;
        document.endpoint = request.endpoint;
        document.target_group = "firewalls";
        if (!request.off)
            document.why = "operator";
        else if (request.endpoint == "down")
            document.why = "onAllUnhealthy";
        document.bypassed = document.why.has_value();
        if (request.duration)
            document.seconds_left = static_cast<std::uint64_t>(request.duration->count());
        return document;
    }

    /// The guard exists at first, and remains for as long as it is kept.
    Result<documents::Down> execute_down(const control::DownOptions &options) {
        last_down = options;
        return documents::Down{true, has_guard = has_guard && options.keep_guard, guard_of_other};
    }

    Result<documents::GarbageCollection> execute_collect_garbage(bool dry_run, const PeerCredentials &) {
        return documents::GarbageCollection{!dry_run, {{"maps", "/sys/fs/bpf/glb/v1"}}};
    }

    void apply(std::string text, control::ApplyOptions options, Done<control::ApplyResult> done) override {
        done(execute_apply(text, options));
    }
    void rollback(unsigned back, control::ApplyOptions options, Done<control::ApplyResult> done) override {
        done(execute_rollback(back, options));
    }
    void confirm(PeerCredentials peer, Done<void> done) override { done(execute_confirm(peer)); }
    void drain(control::DrainRequest request, Done<documents::Drain> done) override {
        done(execute_drain(request));
    }
    void bypass(control::BypassRequest request, Done<documents::Bypass> done) override {
        done(execute_bypass(request));
    }
    void down(control::DownOptions options, Done<documents::Down> done) override {
        done(execute_down(options));
    }
    void collect_garbage(bool dry_run, PeerCredentials peer,
                         Done<documents::GarbageCollection> done) override {
        done(execute_collect_garbage(dry_run, peer));
    }

    std::string not_ready_reason() const override { return ready ? "" : "waiting for the tunnel address"; }
    std::vector<HeldCondition> conditions() const override { return held; }
    observe::MetricsSnapshot metrics() const override {
        ++reads;
        observe::MetricsSnapshot snapshot;
        snapshot.version = "0.1.0";
        snapshot.node = "glb-a";
        snapshot.ready = ready;
        return snapshot;
    }

    bool ready = true;
    std::optional<std::string> has_degraded_only; ///< status: ready, with the conditions of this severity
    std::vector<HeldCondition> held;
    mutable unsigned reads = 0;        ///< of all but not_ready_reason()
    std::uint64_t generated_flows = 0; ///< number of listed flows; 0: fake_flows is listed
    bool has_guard = true;
    std::optional<std::string> guard_of_other; ///< why `down` leaves it
    bool is_drained = false;                   ///< applies to both targets
    mutable std::optional<observe::FlowQuery> last_filter;
    std::optional<control::ApplyOptions> last_apply;
    std::optional<control::DownOptions> last_down;
    std::optional<control::DrainRequest> last_drain;
    std::optional<control::BypassRequest> last_bypass;
    std::optional<unsigned> last_back;
    bool waits_for_confirmation = true;
    std::string last_manifest;
};

} // namespace glb::test
