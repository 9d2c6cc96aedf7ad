// ManifestChanges: the commands that replace the active manifest, and the manifest of a start.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "controller/control/commands.h"
#include "controller/control/manifest_file.h"
#include "controller/control/reconciler.h"
#include "controller/control/table_resizer.h"

namespace glb::control {

/// Each call holds the turn.
class ManifestChanges {
  public:
    /// `worker` writes the state.
    ManifestChanges(const Ports &ports, NodeState &state, Reconciler &reconciler, TableResizer &resizer,
                    Worker &worker)
        : ports_(ports), state_(state), reconciler_(reconciler), resizer_(resizer), worker_(worker) {}

    /// Makes the stored manifest active, else `first_manifest`; with neither the node waits for one. The data
    /// path of an earlier daemon is taken over. A stored manifest that cannot be reconciled yet is no error: it
    /// is tried again.
    [[nodiscard]] Task<Status> start(const std::optional<ManifestFile> &first_manifest);

    [[nodiscard]] Task<Result<ApplyResult>> apply(std::string text, ApplyOptions options);
    [[nodiscard]] Task<Result<ApplyResult>> rollback(unsigned back, ApplyOptions options);
    [[nodiscard]] Task<Status> confirm(PeerCredentials peer);
    /// Reverts a manifest that was not confirmed in time.
    [[nodiscard]] Task<void> expire_confirmation();
    [[nodiscard]] Task<Result<documents::Down>> down(DownOptions options);

    /// Reconciles the active manifest again: interfaces, routes or neighbours may have changed.
    [[nodiscard]] Task<void> refresh(bool is_periodic);

    /// Where no manifest is active: what a failed change left is removed, and a guard that is missing installed.
    [[nodiscard]] Task<void> retry_without_manifest();

  private:
    [[nodiscard]] Task<Status> start_stored(const std::string &text,
                                            const std::optional<ManifestFile> &first_manifest);
    [[nodiscard]] Result<ApplyResult> check(const config::Manifest &manifest);
    [[nodiscard]] Task<Status> activate(const config::Manifest &manifest, const std::string &text,
                                        bool differs, std::optional<Confirmation> confirmation);
    [[nodiscard]] Task<void> restore_previous(bool had_guard, const nlohmann::json &devices);
    [[nodiscard]] Status restore_guard(bool anew = false);
    void note_orphaned_datapath();
    [[nodiscard]] Task<void> finish_activation(const config::Manifest &manifest, const std::string &text,
                                               std::optional<Confirmation> confirmation);
    void retry_guard();
    [[nodiscard]] Task<Status> revert();
    [[nodiscard]] Task<Status> revert_to_none();
    [[nodiscard]] bool has_guard() const;
    [[nodiscard]] Task<Status> take_down(bool keep_guard);
    [[nodiscard]] Status refuse_while_pending(const ApplyOptions &options) const;
    [[nodiscard]] std::optional<Confirmation> confirmation_for(const std::string &text,
                                                               const ApplyOptions &options) const;
    [[nodiscard]] Task<Status> end_confirmation();
    [[nodiscard]] Task<Status> persist_hash_seed();
    [[nodiscard]] Task<void> append_history(std::string_view by, PeerCredentials peer,
                                            std::string_view file = {});
    void report(const ApplyResult &result, const ApplyOptions &options, std::uint64_t epoch_before);

    const Ports &ports_;
    NodeState &state_;
    Reconciler &reconciler_;
    TableResizer &resizer_;
    Worker &worker_;
    struct PendingRemoval {
        bool had_guard;
        nlohmann::json devices;
    };
    std::optional<PendingRemoval> pending_removal_; ///< of what a failed first change left
    std::string guard_error_, revert_error_;        ///< of the last attempt; what is logged is not repeated
};

} // namespace glb::control
