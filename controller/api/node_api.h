// NodeApi: what the HTTP API needs of a node. The node implements it; the API's tests have a fake.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/control/commands.h"
#include "controller/documents/apply.h"
#include "controller/documents/counters.h"
#include "controller/documents/endpoints.h"
#include "controller/documents/guard.h"
#include "controller/documents/history.h"
#include "controller/documents/overrides.h"
#include "controller/documents/removal.h"
#include "controller/documents/status.h"
#include "controller/documents/targets.h"
#include "controller/observe/flow_query.h"
#include "controller/observe/metrics_snapshot.h"
#include "controller/util/api_error.h"
#include "controller/util/chunk_source.h"
#include "controller/util/peer_credentials.h"
#include "controller/util/result.h"

namespace glb {

/// All calls are made on the node's event loop and must not block it. Counters, flows and the guard's count
/// are read from the maps per call. An Error's `code` selects the HTTP status: ENOENT 404, EINVAL 400, EBUSY
/// 409, ENOTSUP 501, EAGAIN 503, any other 500.
class NodeApi {
  public:
    virtual ~NodeApi() = default;

    virtual Result<documents::NodeStatus> status() = 0;

    /// All targets, or those of `group` (ENOENT if there is no such group).
    virtual Result<documents::TargetList> targets(const std::optional<std::string> &group) = 0;

    virtual Result<documents::EndpointList> endpoints() = 0;

    /// The text of a documents::FlowList. The source reads the table, on any thread, and stays valid when the
    /// node replaces its table.
    virtual Result<ChunkSource> flows(const FlowQuery &filter) = 0;

    /// Every drop reason, at zero too.
    virtual Result<documents::DropList> drops() = 0;

    /// Every other counter, at zero too.
    virtual Result<documents::CounterList> counters() = 0;

    virtual Result<documents::Guard> guard() = 0;

    /// The active manifest, complete; ENOENT if there is none.
    virtual Result<nlohmann::json> manifest() = 0;

    /// Applies the manifest completely or not at all, and returns when it is active in the data path. An
    /// Error means that the manifest is valid but could not be applied; the previous one is active again.
    virtual Result<ApplyResult> apply(const std::string &manifest_text, const ApplyOptions &options) = 0;

    virtual Result<documents::History> history() = 0;

    /// Applies the manifest `back` positions behind the active one in the history.
    virtual Result<ApplyResult> rollback(unsigned back, const ApplyOptions &options) = 0;

    /// Confirms the manifest that is pending confirmation; ENOENT if there is none.
    virtual Status confirm(const PeerCredentials &peer) = 0;

    /// ENOENT if there is no such target, EBUSY for the last one of a group without `force`.
    virtual Result<documents::Drain> drain(const DrainRequest &request) = 0;

    /// ENOENT if there is no such endpoint.
    virtual Result<documents::Bypass> bypass(const BypassRequest &request) = 0;

    /// Removes programs, pins, rules and, unless it is to be kept, the guard, in that order.
    virtual Result<documents::Down> down(const DownOptions &options) = 0;

    /// Removes what an older version left. EAGAIN while it is unknown what is in use: before a manifest is
    /// active, and while flows are being migrated.
    virtual Result<documents::GarbageCollection> collect_garbage(bool dry_run,
                                                                 const PeerCredentials &peer) = 0;

    virtual MetricsSnapshot metrics() = 0;
};

} // namespace glb
