// NodeApi: what the HTTP API asks of a running node. The node implements it; the API's tests have a fake.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/observe/flow_query.h"
#include "controller/observe/metrics_snapshot.h"
#include "controller/util/api_error.h"
#include "controller/util/chunk_source.h"
#include "controller/util/peer_credentials.h"
#include "controller/util/result.h"

namespace glb {

struct ApplyOptions {
    bool dry_run = false; ///< check and diff, change nothing
    PeerCredentials peer; ///< who asked, for the log and the history
    std::optional<std::chrono::seconds> confirm_within =
        {};                   ///< unless confirmed by then, what was in force returns
    std::string by = "apply"; ///< for log and history: "rollback", "start", "reload"
    std::string file = {};    ///< the same; empty: the text came over the socket
};

/// The outcome of an apply that was understood. With `errors` the manifest is refused and nothing has
/// changed; otherwise `changes` says what did, or with dry_run would.
struct ApplyResult {
    nlohmann::json changes = nlohmann::json::array(); ///< {"action","kind","name","before","after"} each
    bool applied = false;                             ///< false with dry_run, or where it is refused
    std::uint64_t epoch = 0;                          ///< in force after the call
    std::vector<std::string> warnings;
    std::vector<ApiError> errors;
    std::vector<std::string> drained; ///< targets that stay drained by an operator's order: GROUP/TARGET
};

struct DrainRequest {
    std::string group;
    std::string target;
    bool drain = true; ///< false: undrain
    bool force = false;
    PeerCredentials peer;
};

struct BypassRequest {
    std::string endpoint;
    bool off = false;
    std::optional<std::chrono::seconds> duration; ///< none: until it is ended by order
    PeerCredentials peer;
};

struct DownOptions {
    bool keep_guard = false;
    PeerCredentials peer;
};

/// All calls come on the node's event loop and must not hold it for long. Counters, flows and the guard's
/// count are read from the maps when asked. An Error's `code` chooses the HTTP status: ENOENT 404, EINVAL
/// 400, EBUSY 409, ENOTSUP 501, EAGAIN 503, every other 500.
class NodeApi {
  public:
    virtual ~NodeApi() = default;

    /// {"ready","notReadyReason": what keeps it from being ready, or
    /// null,"node","version","epoch","uptimeSeconds",
    ///  "guard":{"installed","uninspected","restored","warnings"},"bypassed":[],
    ///  "interfaces":[{"name","mode","attached","punt","shared"}],
    ///  "flows":{"active","unconfirmed","capacity","untracked"},"targets":{STATE: count, ...}}
    virtual Result<nlohmann::json> status() = 0;

    /// {"targets":[{"targetGroup","id","address","port","weight","state","reason","description","sinceSeconds",
    ///  "lastError","drainedByOperator","activeFlows","newFlows","packetsOut","packetsBack","bytesOut",
    ///  "bytesBack","slots"}]}, of one group where `group` names it (ENOENT where there is none such).
    virtual Result<nlohmann::json> targets(const std::optional<std::string> &group) = 0;

    /// {"endpoints":[{"name","id","mode","targetGroup","interfaces":[{"name","vlan","mtu"}],"packetsIn",
    ///  "bytesIn","packetsForwarded","bytesForwarded","bypassed","bypassReason","bypassSecondsLeft"}]};
    ///  bypassReason as bypass() has it
    virtual Result<nlohmann::json> endpoints() = 0;

    /// {"total","truncated","flows":[{"endpoint","protocol","source","destination","targetGroup","target",
    ///  "state","cookie","ageSeconds","idleSeconds","packetsOut","packetsBack","bytesOut","bytesBack"}]};
    /// `total` counts all that match, beyond the limit too. The source reads the table, on any thread, and
    /// stays valid when the node replaces its table.
    virtual Result<ChunkSource> flows(const FlowQuery &filter) = 0;

    /// {"drops":[{"reason","packets","bytes","meaning"}]}, every reason, at zero too.
    virtual Result<nlohmann::json> drops() = 0;

    /// The same shape under "counters".
    virtual Result<nlohmann::json> counters() = 0;

    /// {"installed","uninspected":{"packets","bytes"},"restored": times something removed was put back,
    ///  "interfaces":[{"name","vlan","endpoint","whenDetached","guarded","punt"}]}
    virtual Result<nlohmann::json> guard() = 0;

    /// The manifest in force, whole; ENOENT where the node idles without one.
    virtual Result<nlohmann::json> manifest() = 0;

    /// Applies all of the manifest or nothing, and returns when the data path has it. An Error means that it
    /// was sound but could not be carried out; what was in force is in force again.
    virtual Result<ApplyResult> apply(const std::string &manifest_text, const ApplyOptions &options) = 0;

    /// {"time","by","file","uid","pid","epoch","endpoints","targetGroups","targets"} each, under "history":
    /// the manifests that were in force, that which is first.
    virtual Result<nlohmann::json> history() = 0;

    /// Applies the manifest that stands `back` places behind the one in force in the history.
    virtual Result<ApplyResult> rollback(unsigned back, const ApplyOptions &options) = 0;

    /// Keeps the manifest that waits for it; ENOENT where none does.
    virtual Status confirm(const PeerCredentials &peer) = 0;

    /// {"targetGroup","id","drainedByOperator","activeFlows","secondsLeft"}. ENOENT where there is no such
    /// target, EBUSY for the last one of a group without `force`.
    virtual Result<nlohmann::json> drain(const DrainRequest &order) = 0;

    /// {"endpoint","bypassed","why": "order", "onAllUnhealthy" or null,"targetGroup","secondsLeft": of the
    /// order}: as it is now, which an ended order alone does not decide. ENOENT where there is no such
    /// endpoint.
    virtual Result<nlohmann::json> bypass(const BypassRequest &order) = 0;

    /// Takes programs, pins, rules and, unless it is to be kept, the guard away, in that order.
    /// {"down": true,"guardKept": whether one stands}
    virtual Result<nlohmann::json> down(const DownOptions &options) = 0;

    /// {"removed": whether they are gone, false with `dry_run`, "leftovers":[{"kind","pin"}]}: what an older
    /// version left. EAGAIN while it is not known what is in use: before a manifest is in force, and while
    /// flows move.
    virtual Result<nlohmann::json> collect_garbage(bool dry_run, const PeerCredentials &peer) = 0;

    virtual MetricsSnapshot metrics() = 0;
};

} // namespace glb
