// ManifestChanges: a manifest that is pending confirmation.
#include <utility>

#include "controller/config/manifest_diff.h"
#include "controller/config/parser.h"
#include "controller/control/kept_guard.h"
#include "controller/control/manifest_changes.h"
#include "controller/util/log.h"

namespace glb::control {

/// A confirmation belongs to its change: another one must neither end it nor prolong it unasked.
Status ManifestChanges::refuse_while_pending(const ApplyOptions &options) const {
    const auto &pending = state_.desired.confirmation;
    if (!pending || !state_.desired.manifest || options.confirm_pending)
        return {};
    return tl::unexpected(
        Error{fmt::format(
                  "the active manifest ({}) is pending confirmation and will be reverted in {} s: confirm it "
                  "first (glbctl confirm), confirm it together with this change (--confirm-pending), or wait",
                  pending->by.empty() ? "of an earlier daemon" : "applied by " + pending->by,
                  seconds_until(pending->until, ports_.clock.now())),
              EBUSY});
}

std::optional<Confirmation> ManifestChanges::confirmation_for(const std::string &text,
                                                              const ApplyOptions &options) const {
    if (!options.confirm_within)
        return std::nullopt;
    const auto &desired = state_.desired;
    Confirmation confirmation{
        manifest_digest(text), {}, ports_.clock.now() + *options.confirm_within, to_string(options.peer)};
    if (!desired.text.empty())
        confirmation.revert_to = desired.text;
    if (!desired.manifest && has_guard())
        confirmation.kept_guard = {load_kept_guard_text(ports_.state), ports_.state.value(devices_key)};
    return confirmation;
}

Task<Status> ManifestChanges::end_confirmation() {
    GLB_CO_TRY(co_await worker_.run([&] { return store_confirmation(ports_.state, std::nullopt); }));
    state_.desired.confirmation.reset();
    co_return Status{};
}

Task<Status> ManifestChanges::confirm(PeerCredentials peer) {
    if (!state_.desired.confirmation || !state_.desired.manifest)
        co_return tl::unexpected(Error{"no manifest is pending confirmation", ENOENT});
    GLB_CO_TRY(co_await end_confirmation());
    const auto epoch = ports_.datapath.epoch();
    spdlog::info("the active manifest is confirmed, {}", change_text(epoch, epoch, peer));
    co_return Status{};
}

Task<void> ManifestChanges::expire_confirmation() {
    const auto &confirmation = state_.desired.confirmation;
    if (!confirmation) { // one may be stored still, if it could not be removed
        if (!has_stored_confirmation(ports_.state))
            co_return;
        if (const auto removed = co_await end_confirmation(); !removed)
            spdlog::warn("{}", removed.error().message);
        co_return;
    }
    if (confirmation->until > ports_.clock.now())
        co_return;
    if (revert_error_.empty())
        spdlog::warn("the active manifest was not confirmed in time: restoring the previous one");
    const auto done = co_await revert();
    const auto error = done ? std::string() : done.error().message;
    if (std::exchange(revert_error_, error) != error && !error.empty())
        spdlog::error("the previous manifest could not be restored, which is tried again: {}", error);
}

/// Activates the manifest before the unconfirmed one, or none if there was none that can be used.
Task<Status> ManifestChanges::revert() {
    const auto before = state_.desired.confirmation->revert_to;
    const auto manifest = config::parse_manifest(before.value_or(""));
    if (!manifest) {
        auto reverted = co_await revert_to_none();
        co_return reverted;
    }
    const auto epoch = ports_.datapath.epoch();
    const bool differs = !config::diff_manifests(state_.desired.manifest.get(), *manifest).empty();
    GLB_CO_ASSIGN(state_.installed.network, ports_.network.read());
    GLB_CO_TRY(co_await activate(*manifest, *before, differs, std::nullopt));
    spdlog::warn("the previous manifest is restored, {}", change_text(epoch, ports_.datapath.epoch(), {}));
    co_await append_history("revert", {});
    co_return Status{};
}

/// No manifest was active before: a guard that blocked then blocks again.
Task<Status> ManifestChanges::revert_to_none() {
    const auto pending = *state_.desired.confirmation;
    const auto &kept = pending.kept_guard;
    const bool keeps_guard = kept || pending.revert_to;
    const auto epoch = ports_.datapath.epoch();
    GLB_CO_TRY(co_await take_down(keeps_guard));
    const auto store = [&]() -> Status {
        if (kept) {
            GLB_TRY(persist_kept_guard(ports_.state, kept->manifest));
            GLB_TRY(persist(ports_.state, devices_key, kept->devices));
        }
        // Last: a daemon that starts before finds the pending one, and reverts it again.
        return pending.revert_to ? ports_.state.save_manifest(*pending.revert_to)
                                 : ports_.state.remove_manifest();
    };
    GLB_CO_TRY(co_await worker_.run(store));
    state_.desired.text = pending.revert_to.value_or("");
    if (keeps_guard)
        (void)restore_guard(true); // if it fails the node is not ready, and it is tried again
    spdlog::warn("no manifest was active before: the data path{} removed, {}",
                 keeps_guard ? " is" : " and the guard are", change_text(epoch, ports_.datapath.epoch(), {}));
    auto ended = co_await end_confirmation();
    co_return ended;
}

} // namespace glb::control
