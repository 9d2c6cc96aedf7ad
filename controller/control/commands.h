// Commands: requests that change the desired state, with their results. NodeCommands executes them one at a
// time.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/documents/apply.h"
#include "controller/documents/overrides.h"
#include "controller/documents/removal.h"
#include "controller/util/api_error.h"
#include "controller/util/peer_credentials.h"
#include "controller/util/result.h"

namespace glb::control {

struct ApplyOptions {
    bool dry_run = false;                                    ///< check and diff, change nothing
    PeerCredentials peer;                                    ///< the client, for log and history
    std::optional<std::chrono::seconds> confirm_within = {}; ///< reverted unless confirmed by then
    bool confirm_pending = false; ///< also confirms a manifest that is pending; else that refuses the change
    std::string by = "apply";     ///< for log and history: "rollback", "start", "reload"
    std::string file = {};        ///< the same; empty: the text came over the socket
};

/// The result of an apply. With `errors` the manifest is refused, and nothing has changed.
struct ApplyResult : documents::Apply {
    std::vector<ApiError> errors;
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
    std::optional<std::chrono::seconds> duration; ///< none: until it is switched off
    PeerCredentials peer;
};

struct DownOptions {
    bool keep_guard = false;
    PeerCredentials peer;
};

/// Every call returns at once, and may be made on any thread. `done` is called once, on any thread, when the
/// command has been executed; it must not block. An Error's `code` selects the HTTP status: ENOENT 404, EINVAL
/// 400, EBUSY 409, ENOTSUP 501, EAGAIN 503, any other 500.
class NodeCommands {
  public:
    template <typename T>
    using Done = std::function<void(Result<T>)>;

    virtual ~NodeCommands() = default;

    /// Applies the manifest completely or not at all. An Error means that the manifest is valid but could not
    /// be applied; the previous one is active again. EBUSY while another manifest is pending confirmation.
    virtual void apply(std::string manifest_text, ApplyOptions options, Done<ApplyResult> done) = 0;

    /// Applies the manifest `back` positions behind the active one in the history.
    virtual void rollback(unsigned back, ApplyOptions options, Done<ApplyResult> done) = 0;

    /// Confirms the manifest that is pending confirmation; ENOENT if there is none.
    virtual void confirm(PeerCredentials peer, Done<void> done) = 0;

    /// ENOENT if there is no such target, EBUSY for the last one of a group without `force`.
    virtual void drain(DrainRequest request, Done<documents::Drain> done) = 0;

    /// ENOENT if there is no such endpoint.
    virtual void bypass(BypassRequest request, Done<documents::Bypass> done) = 0;

    /// Removes programs, pins, rules and, unless it is to be kept, the guard, in that order.
    virtual void down(DownOptions options, Done<documents::Down> done) = 0;

    /// Removes pins that older versions, interrupted starts and deleted interfaces left. EAGAIN while it is
    /// unknown what is in use: before a manifest is active, and while flows are being migrated.
    virtual void collect_garbage(bool dry_run, PeerCredentials peer,
                                 Done<documents::GarbageCollection> done) = 0;
};

} // namespace glb::control
