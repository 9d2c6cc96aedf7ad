// ManifestChanges: start, rollback, down.
#include <utility>

#include "controller/config/manifest_diff.h"
#include "controller/config/parser.h"
#include "controller/control/boot_guard.h"
#include "controller/control/guard_source.h"
#include "controller/control/kept_guard.h"
#include "controller/control/manifest_changes.h"
#include "controller/control/offloads.h"
#include "controller/control/take_down.h"
#include "controller/util/log.h"

namespace glb::control {

namespace {

/// In meaning: whitespace and the order of members do not count. A file that cannot be parsed differs.
bool differs(const config::Manifest &active, const std::string &text) {
    const auto other = config::parse_manifest(text);
    return !other || !config::diff_manifests(&active, *other).empty();
}

/// `size` entries, the first of which is the active manifest.
std::string no_such_entry(unsigned back, std::size_t size) {
    if (size < 2)
        return "there is no earlier manifest";
    return fmt::format("there is no manifest {} positions back; the oldest is {} (see glbctl history)", back,
                       size - 1);
}

/// The stored manifest takes precedence over the file.
void warn_of_difference(const ManifestFile &file, const config::Manifest &active) {
    if (!file.text)
        spdlog::warn("--manifest: {}; the stored manifest is used", file.text.error().message);
    else if (differs(active, *file.text))
        spdlog::warn("{} differs from the stored manifest, which is used; send SIGHUP to apply the file",
                     file.path.string());
}

} // namespace

Task<Status> ManifestChanges::start(const std::optional<ManifestFile> &first_manifest) {
    if (auto locked = ports_.datapath.lock(); !locked && locked.error().code == EBUSY)
        co_return locked; // other failures do not concern the guard, and the data path meets them again
    auto &desired = state_.desired;
    auto stored = ports_.state.load_manifest();
    if (!stored.warning.empty())
        spdlog::warn("{}", stored.warning);
    if (!stored.text && !stored.warning.empty()) {
        stored.text = last_good_manifest(ports_.state);
        if (stored.text)
            spdlog::warn("the last manifest of the history is used");
    }
    desired.bypasses.set(ports_.state.value("bypasses"));
    desired.confirmation = load_confirmation(ports_.state, stored.text.value_or(""));
    if (stored.text) {
        auto done = co_await start_stored(*stored.text, first_manifest);
        co_return done;
    }
    if (!first_manifest)
        note_orphaned_datapath();
    (void)restore_guard(); // logged, and tried again
    if (!first_manifest) {
        spdlog::info("no manifest: waiting for glbctl apply");
        if (state_.installed.guard)
            if (const auto checked = reconciler_.check_guard(); !checked)
                spdlog::error("{}", checked.error().message);
        co_return Status{};
    }
    ApplyOptions options;
    options.by = "start";
    options.file = first_manifest->path.string();
    GLB_CO_ASSIGN(auto text, first_manifest->text);
    const auto result = co_await apply(std::move(text), options);
    GLB_CO_TRY(result);
    if (!result->errors.empty())
        co_return refused(first_manifest->path, result->errors);
    co_return Status{};
}

Task<Status> ManifestChanges::start_stored(const std::string &text,
                                           const std::optional<ManifestFile> &first_manifest) {
    auto &desired = state_.desired;
    const auto manifest = config::parse_manifest(text);
    desired.text = text;
    if (!manifest) {
        (void)restore_guard(); // of a manifest of a newer version; logged, and tried again
        co_return Status{};
    }
    if (first_manifest)
        warn_of_difference(*first_manifest, *manifest);
    desired.manifest = std::make_shared<const config::Manifest>(*manifest);
    retry_guard(); // before anything that needs a disk, a bpffs or the flow table
    const Change change{*manifest};
    const auto done = co_await reconciler_.reconcile(change);
    if (!done) {
        state_.conditions.failure = done.error().message;
        spdlog::error("the active manifest could not be reconciled completely: {}", done.error().message);
        if (state_.installed.guard)
            if (const auto checked = reconciler_.check_guard(); !checked) // for status
                spdlog::error("{}", checked.error().message);
    }
    spdlog::info("started with the stored manifest, {}",
                 change_text(state_.installed.found_epoch, ports_.datapath.epoch(), {}));
    if (const auto entries = ports_.state.history();
        entries.empty() || differs(*manifest, entries.front().manifest))
        co_await append_history("start", {});
    co_await expire_confirmation();
    co_return Status{};
}

/// Its guard is another daemon's that has ended: it stays as it is.
void ManifestChanges::note_orphaned_datapath() {
    const auto found = ports_.datapath.inspect(datapath::round_capacity(0));
    if (!found)
        spdlog::warn("the pinned data path cannot be read: {}", found.error().message);
    else if (*found) {
        state_.conditions.orphaned_epoch = (*found)->config.epoch;
        spdlog::error("{}", not_ready_reason(state_, false, {}));
    }
}

/// Of a manifest that is not active: kept by `down`, or not known completely. `failure` becomes the reason. `anew`: the
/// guard that stands is that of a change that failed.
Status ManifestChanges::restore_guard(bool anew) {
    auto &installed = state_.installed;
    const auto source = find_guard_source(ports_.state).value_or(GuardSource{});
    const auto stands =
        install_guard_of(ports_, source, "it blocks all endpoint traffic until a manifest is applied", anew);
    installed.kept_guard = source.manifest;
    installed.guard = stands && *stands;
    auto failure = source.problem;
    if (installed.guard && !source.manifest && failure.empty() && !state_.conditions.orphaned_epoch)
        failure = fmt::format("the guard of an earlier manifest blocks its traffic, but {} does not exist",
                              ports_.state.manifest_path().string());
    if (!failure.empty())
        failure += "; fix: glbctl apply FILE, or glbctl rollback";
    if (!stands) // tried again at each tick, since it is a failure
        failure += fmt::format("{}the guard could not be restored: {}", failure.empty() ? "" : "; ",
                               stands.error().message);
    if (!failure.empty() && failure != state_.conditions.failure)
        spdlog::error("{}", failure);
    state_.conditions.failure = failure;
    return stands ? Status{} : tl::unexpected(stands.error());
}

Task<void> ManifestChanges::retry_without_manifest() {
    if (const auto pending = pending_removal_)
        co_await restore_previous(pending->had_guard, pending->devices);
    else
        retry_guard();
}

void ManifestChanges::retry_guard() {
    auto &installed = state_.installed;
    const bool has_plan = state_.desired.manifest || installed.kept_guard;
    if (installed.guard && has_plan) // which check() repairs
        return;
    Status done;
    if (installed.guard) {
        const auto stands = ports_.guard.restore(known_device_names(ports_.state), false);
        installed.guard = stands.has_value() && *stands;
        done = stands ? Status{} : tl::unexpected(stands.error());
    } else if (const auto manifest = state_.desired.manifest) {
        const auto devices = install_guard_alone(ports_, *manifest, true);
        installed.guard = devices.has_value();
        done = devices ? Status{} : tl::unexpected(devices.error());
    } else if (!state_.conditions.failure.empty()) {
        (void)restore_guard(); // logs what is new
    }
    const auto error = done ? std::string() : done.error().message;
    if (std::exchange(guard_error_, error) != error && !error.empty())
        spdlog::error("the guard is not installed: {}", error);
}

/// A history that cannot be written does not prevent a change.
Task<void> ManifestChanges::append_history(std::string_view by, PeerCredentials peer, std::string_view file) {
    state::HistoryEntry entry;
    entry.time = state::utc_now();
    entry.by = by;
    entry.file = file;
    if (peer.known) {
        entry.uid = peer.uid;
        entry.pid = peer.pid;
    }
    entry.epoch = ports_.datapath.epoch();
    entry.manifest = state_.desired.text;
    const auto done = co_await worker_.run([&] { return ports_.state.add_history(entry); });
    if (!done)
        spdlog::warn("{}", done.error().message);
}

Task<Result<ApplyResult>> ManifestChanges::rollback(unsigned back, ApplyOptions options) {
    const auto entries = ports_.state.history();
    // Without an active manifest the first entry is the one before.
    const auto position = back > 0 && !state_.desired.manifest ? back - 1 : back;
    if (position >= entries.size())
        co_return tl::unexpected(Error{no_such_entry(back, entries.size()), ENOENT});
    options.by = "rollback";
    auto result = co_await apply(entries[position].manifest, std::move(options));
    co_return result;
}

Task<Status> ManifestChanges::take_down(bool keep_guard) {
    co_await resizer_.abandon();
    pending_removal_.reset();
    auto done = control::take_down(ports_, state_, keep_guard);
    const auto left = restore_all_offloads(ports_.state.value(offloads_key), ports_.network);
    (void)co_await worker_.run([&] { return persist(ports_.state, offloads_key, left); });
    if (!keep_guard) // they are those of a guard
        (void)co_await worker_.run([&] { return ports_.state.set_value(devices_key, nullptr); });
    co_return done;
}

Task<Result<documents::Down>> ManifestChanges::down(DownOptions options) {
    GLB_CO_TRY(ports_.datapath.lock());
    const bool stays = options.keep_guard && state_.installed.guard;
    documents::Down removed{true, stays, {}};
    if (const auto owner = ports_.guard.check_owner(); !owner) {
        removed.guard_left = owner.error().message;
        spdlog::warn("{}: it stays", *removed.guard_left);
    }
    const bool is_removed = !stays && !removed.guard_left;
    spdlog::info("removing the data path{}, requested by {}", is_removed ? " and the guard" : "",
                 to_string(options.peer));
    std::string kept;
    if (stays)
        kept = state_.desired.text.empty() ? load_kept_guard_text(ports_.state) : state_.desired.text;
    if (stays && kept.empty())
        kept = last_good_manifest(ports_.state).value_or("");
    const auto store = [&]() -> Status {
        GLB_TRY(persist_kept_guard(ports_.state, kept));
        if (!stays) // otherwise a manifest without its file would be lost, and its guard installed at the next start
            (void)persist(ports_.state, devices_key, nullptr);
        return ports_.state.remove_manifest();
    };
    GLB_CO_TRY(co_await worker_.run(store));
    const auto before = ports_.datapath.epoch();
    const auto done = co_await take_down(options.keep_guard);
    state_.installed.kept_guard = load_kept_guard(ports_.state);
    if (done)
        spdlog::info("data path{} removed, {}", is_removed ? " and guard" : "",
                     change_text(before, ports_.datapath.epoch(), options.peer));
    state_.desired.bypasses = {};
    state_.desired.confirmation.reset();
    co_await worker_.run([&] {
        for (const char *key : {"health", "drains", "bypasses"})
            (void)ports_.state.set_value(key, nullptr);
        (void)store_confirmation(ports_.state, std::nullopt);
    });
    GLB_CO_TRY(done);
    co_return removed;
}

} // namespace glb::control
