// LocalNode: changes that somebody asks for: apply and down.
#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "controller/config/exporter.h"
#include "controller/config/manifest_diff.h"
#include "controller/config/parser.h"
#include "controller/config/unsupported_features.h"
#include "controller/control/boot_guard.h"
#include "controller/control/host_checks.h"
#include "controller/guard/diagnostics.h"
#include "controller/node/node.h"
#include "controller/util/log.h"

namespace glb {

namespace {

using Kind = IndexAllocator::Kind;

std::vector<ApiError> problems_of(const std::vector<ManifestError> &errors) {
    std::vector<ApiError> problems;
    for (const auto &error : errors)
        problems.push_back({error.pointer, error.message});
    return problems;
}

std::vector<documents::Change> change_documents(const std::vector<ManifestChange> &changes) {
    std::vector<documents::Change> rows;
    for (const auto &change : changes) {
        const nlohmann::json row = to_json(change);
        rows.push_back({row["action"], row["kind"], row["name"], row["before"], row["after"]});
    }
    return rows;
}

/// Operators' drains that `manifest` does not end, by GROUP/TARGET.
std::vector<std::string> remaining_drains(const HealthSnapshot &health, const Manifest &manifest) {
    std::vector<std::string> names;
    for (const auto &[name, until] : health.persisted.operator_drains)
        for (const auto &group : manifest.target_groups)
            for (const auto &target : group.targets)
                if (target_name(group.name, target.id) == name)
                    names.push_back(name);
    return names;
}

/// Groups or endpoints that `after` has no more give their indexes back in their own time.
template <typename Named>
void retire_missing(IndexAllocator &book, Kind kind, const std::vector<Named> &before,
                    const std::vector<Named> &after) {
    for (const auto &one : before)
        if (std::none_of(after.begin(), after.end(),
                         [&](const Named &other) { return other.name == one.name; }))
            book.retire(kind, one.name);
}

std::set<std::string> endpoint_names(const Manifest &manifest) {
    std::set<std::string> names;
    for (const auto &endpoint : manifest.endpoints)
        names.insert(endpoint.name);
    return names;
}

} // namespace

Result<ApplyResult> LocalNode::apply(const std::string &text, const ApplyOptions &options) {
    ApplyResult result;
    result.epoch = epoch_of(program_);
    const auto refuse = [&](std::vector<ApiError> problems) {
        result.errors = std::move(problems);
        return result;
    };
    auto manifest = parse_supported_manifest(text);
    if (!manifest)
        return refuse(problems_of(manifest.error()));
    if (!netlink_)
        GLB_TRY(open_kernel());
    GLB_ASSIGN(const auto snapshot, read_snapshot(*netlink_));
    auto here = check_host(*manifest, snapshot);
    if (!here.errors.empty())
        return refuse(problems_of(here.errors));
    for (const auto &warning : here.warnings)
        result.warnings.push_back(fmt::format("{}: {}", warning.pointer, warning.message));
    auto book = book_;
    for (const auto &endpoint : manifest->endpoints)
        GLB_TRY(book.claim(Kind::endpoint, endpoint.name));
    for (auto &line :
         guard::missing_forwarding(plan_guard(*manifest, book, snapshot, store_.value("devices"))))
        result.warnings.push_back(std::move(line));
    result.changes = change_documents(diff_manifests(manifest_, *manifest));
    result.drained_by_operator = remaining_drains(*health(), *manifest);
    if (options.dry_run)
        return result;

    GLB_TRY(lock_pins());
    const auto done = activate(*manifest, text, !result.changes.empty(), confirmation_for(text, options));
    if (!done && !done.error().pointer.empty())
        return refuse({{done.error().pointer, done.error().message}});
    GLB_TRY(done);
    if (!result.changes.empty()) // another text of the same meaning is no other manifest
        append_history(options.by, options.peer, options.file);
    const auto before = std::exchange(result.epoch, epoch_of(program_));
    result.applied = true;
    if (options.confirm_within)
        result.confirm_within_seconds = static_cast<std::uint64_t>(options.confirm_within->count());
    if (const auto checked = check_guard(); !checked) // the manifest is in force all the same
        result.warnings.push_back(checked.error().message);
    if (resize_)
        result.warnings.push_back(
            fmt::format("/node/flowTable/capacity: the flow table moves from {} to {} entries beside "
                        "the traffic: glbctl status says when it has",
                        capacity_, resize_->capacity));
    result.warnings.insert(result.warnings.end(), guard_report_.warnings.begin(),
                           guard_report_.warnings.end());
    spdlog::info("applied a manifest ({}{}{}): {} change{}, {}", options.by,
                 options.file.empty() ? "" : " from ", options.file, result.changes.size(),
                 result.changes.size() == 1 ? "" : "s", change_text(before, result.epoch, options.peer));
    if (options.confirm_within)
        spdlog::info("unless it is confirmed within {} s, the one before returns",
                     options.confirm_within->count());
    for (const auto &warning : result.warnings)
        spdlog::warn("{}", warning);
    return result;
}

/// While one waits already, the manifest before that is what returns: it is the last that somebody trusted.
std::optional<Confirmation> LocalNode::confirmation_for(const std::string &text,
                                                        const ApplyOptions &options) const {
    if (!options.confirm_within)
        return std::nullopt;
    Confirmation confirmation{manifest_digest(text), {}, Clock::now() + *options.confirm_within};
    if (confirmation_)
        confirmation.revert_to = confirmation_->revert_to;
    else if (manifest_)
        confirmation.revert_to = manifest_text_;
    return confirmation;
}

/// All of it or nothing: what a failed change has done is undone by reconciling what was in force before.
/// Without a `confirmation` a change also confirms one that waits: whoever made it has reached the node. What
/// is in force already `differs` in nothing, and begins no epoch.
Status LocalNode::activate(const Manifest &manifest, const std::string &text, bool differs,
                           const std::optional<Confirmation> &confirmation) {
    const auto book = book_;
    const auto tables = tables_;
    const auto seed = seed_;
    const auto committed_health = committed_health_;
    const auto waiting = confirmation_;
    bool stored = false;
    const auto commit = [&]() -> Status {
        if (confirmation)
            GLB_TRY(set_confirmation(confirmation));
        stored = true; // a save that fails may have replaced the file all the same
        return store_.save_manifest(text);
    };
    auto done = reconcile(manifest, differs, commit);
    if (done) {
        if (manifest_) {
            retire_missing(book_, Kind::group, manifest_->target_groups, manifest.target_groups);
            retire_missing(book_, Kind::endpoint, manifest_->endpoints, manifest.endpoints);
        }
        census_.reset(); // it may have passed by flows of who has left just now
        manifest_ = manifest;
        manifest_text_ = text;
        trouble_.clear();
        move_again_ = {}; // who applies asks for it now
        bypasses_.retain_only(endpoint_names(manifest));
        for (const auto &kept : {confirmation ? Status{} : set_confirmation(std::nullopt), persist_drains(),
                                 persist_kept_guard(store_, ""),
                                 store_.set_value("bypasses", bypasses_.to_json()), persist_hash_seed()})
            if (!kept)
                spdlog::warn("{}", kept.error().message);
        return {};
    }
    tables_ = tables;
    seed_ = seed;
    book_ = book;
    committed_health_ = committed_health;
    health_.run([this, generation = health_config_.generation] {
        engine_->abort(generation);
        engine_->revert(generation);
    });
    if (stored)
        (void)(manifest_ ? store_.save_manifest(manifest_text_) : store_.remove_manifest());
    (void)set_confirmation(waiting); // beside another manifest it says nothing, so that it may fail
    roll_back();
    return done;
}

/// Nothing of what was noted as written is believed any more. What cannot be put back now is tried at each
/// tick.
void LocalNode::roll_back() {
    written_.forget_change();
    auto undone =
        manifest_ ? reconcile(*manifest_, false, {}) : take_down(load_kept_guard(store_).has_value());
    if (undone && !manifest_) {
        auto held = ensure_kept_guard(store_, settings_.bpffs, *guard_); // that of an earlier down
        guard_report_.installed = held && *held;
        undone = held ? Status{} : Status(tl::unexpected(std::move(held).error()));
    }
    trouble_ = undone ? std::string() : undone.error().message;
    if (!undone)
        spdlog::error("after a change that failed, what was in force could not be put back whole: {}",
                      trouble_);
}

/// A seed that a manifest named stays the node's when a later one names none, after a restart too.
Status LocalNode::persist_hash_seed() {
    GLB_ASSIGN(auto kept, program_->config.metadata());
    const std::vector<std::uint8_t> stored(
        kept.seed, kept.seed + std::min<std::size_t>(kept.seed_length, GLB_SEED_BYTES));
    if (stored == seed_)
        return {};
    GLB_TRY(store_.persist_hash_seed(seed_));
    kept.seed_length = static_cast<std::uint32_t>(std::min<std::size_t>(seed_.size(), GLB_SEED_BYTES));
    std::copy_n(seed_.begin(), kept.seed_length, kept.seed);
    return program_->config.set_metadata(kept);
}

Status LocalNode::take_down(bool keep_guard) {
    drop_resize();
    health_.run([this] { engine_->reset(); });
    committed_health_.reset();
    census_.reset();
    Status first;
    const auto note = [&](Status done) {
        if (!done && first)
            first = std::move(done);
    };
    if (attachments_)
        for (const auto ifindex : attachments_->interfaces())
            note(attachments_->detach(ifindex));
    else if (pins_)
        if (auto left = datapath::Attachments::open(*pins_))
            for (const auto ifindex : left->interfaces())
                note(left->detach(ifindex));
    release_program();
    book_ = IndexAllocator();
    attachments_.reset();
    move_.reset();
    if (pins_)
        note(pins_->remove_all());
    pins_.reset();
    if (paths_)
        paths_->release_all();
    if (guard_ && !keep_guard)
        note(guard_->remove());
    std::error_code ignored_too; // folders that are somebody's mount point, or hold what is kept, stay
    std::filesystem::remove(settings_.bpffs / "guard", ignored_too);
    std::filesystem::remove(settings_.bpffs, ignored_too);
    if (!keep_guard)
        pins_lock_.reset();
    restore_offloads();
    manifest_.reset();
    manifest_text_.clear();
    computed_.clear();
    slots_.clear();
    const bool guarded = keep_guard && guard_report_.installed;
    guard_report_ = {};
    guard_report_.installed = guarded;
    trouble_.clear();
    return first;
}

void LocalNode::release_program() {
    detach_health();
    table_.reset();
    redirects_.reset();
    tables_ = MaglevGenerations();
    program_.reset();
    written_ = {};
}

Result<documents::Down> LocalNode::down(const DownOptions &options) {
    if (!netlink_)
        GLB_TRY(open_kernel());
    GLB_TRY(lock_pins());
    const bool stays = options.keep_guard && guard_report_.installed;
    spdlog::info("taking everything down{}, requested by {}", options.keep_guard ? " but the guard" : "",
                 to_string(options.peer));
    GLB_TRY(persist_kept_guard(store_, !stays      ? ""
                                       : manifest_ ? manifest_text_
                                                   : load_kept_guard_text(store_)));
    GLB_TRY(store_.remove_manifest());
    const auto before = epoch_of(program_);
    const auto done = take_down(options.keep_guard);
    spdlog::info("everything is down{}, {}", stays ? " but the guard" : "",
                 change_text(before, epoch_of(program_), options.peer));
    bypasses_ = {};
    confirmation_.reset();
    for (const char *key : {"health", "drains", "bypasses", "confirmation"})
        (void)store_.set_value(key, nullptr);
    if (!stays)
        (void)store_.set_value("devices", nullptr);
    GLB_TRY(done);
    return documents::Down{true, stays};
}

} // namespace glb
