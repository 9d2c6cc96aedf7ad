// LocalNode: changes that somebody asks for: apply and down.
#include <algorithm>
#include <filesystem>
#include <system_error>

#include "controller/config/diff.h"
#include "controller/config/export.h"
#include "controller/config/here.h"
#include "controller/config/parse.h"
#include "controller/config/supported.h"
#include "controller/node/node.h"
#include "controller/util/log.h"

namespace glb {

namespace {

using Kind = IndexBook::Kind;

std::string who(const Peer &peer) {
    return peer.known ? fmt::format("uid {}, pid {}", peer.uid, peer.pid) : std::string("the daemon itself");
}

std::vector<Problem> problems_of(const std::vector<ManifestError> &errors) {
    std::vector<Problem> problems;
    for (const auto &error : errors)
        problems.push_back({error.pointer, error.message});
    return problems;
}

/// Groups or endpoints that `after` has no more give their indexes back in their own time.
template <typename Named>
void retire_missing(IndexBook &book, Kind kind, const std::vector<Named> &before, const std::vector<Named> &after) {
    for (const auto &one : before)
        if (std::none_of(after.begin(), after.end(), [&](const Named &other) { return other.name == one.name; }))
            book.retire(kind, one.name);
}

} // namespace

Result<ApplyResult> LocalNode::apply(const std::string &text, const ApplyOptions &options) {
    ApplyResult result;
    if (program_)
        if (const auto control = program_->control())
            result.epoch = control->epoch;
    const auto refuse = [&](std::vector<Problem> problems) {
        result.errors = std::move(problems);
        return result;
    };
    auto manifest = parse_manifest(text);
    if (!manifest)
        return refuse(problems_of(manifest.error()));
    if (auto later = not_yet_supported(*manifest); !later.empty())
        return refuse(problems_of(later));
    if (!netlink_)
        GLB_TRY(open_kernel());
    GLB_ASSIGN(const auto snapshot, take_snapshot(*netlink_));
    auto here = check_here(*manifest, snapshot);
    if (!here.errors.empty())
        return refuse(problems_of(here.errors));
    if (program_ && datapath::round_capacity(manifest->node.flow_table_capacity) != capacity_)
        return refuse({{"/node/flowTable/capacity",
                        fmt::format("the running flow table has {} entries, and a running table cannot change its size "
                                    "yet: glbctl down --yes first, which ends its flows",
                                    capacity_)}});
    for (const auto &warning : here.warnings)
        result.warnings.push_back(fmt::format("{}: {}", warning.pointer, warning.message));
    result.changes = to_json(diff_manifests(manifest_, *manifest));
    if (options.dry_run)
        return result;

    GLB_TRY(change_to(*manifest, text));
    GLB_ASSIGN(const auto control, program_->control());
    const auto before = result.epoch;
    result.epoch = control.epoch;
    result.applied = true;
    for (auto &line : guard_->missing_forwarding())
        result.warnings.push_back(std::move(line));
    if (const auto checked = check_guard(); !checked) // the manifest is in force all the same
        result.warnings.push_back(checked.error().message);
    result.warnings.insert(result.warnings.end(), guard_report_.warnings.begin(), guard_report_.warnings.end());
    spdlog::info("applied a manifest: {} changes, epoch {} -> {}, asked by {}", result.changes.size(), before,
                 result.epoch, who(options.peer));
    for (const auto &warning : result.warnings)
        spdlog::warn("{}", warning);
    return result;
}

/// All of it or nothing: what a failed change has done is undone by reconciling what was in force before.
Status LocalNode::change_to(const Manifest &manifest, const std::string &text) {
    const auto book = book_;
    const auto tables = tables_;
    const auto fleet = fleet_;
    bool stored = false;
    const auto commit = [&]() -> Status {
        GLB_TRY(store_.save_manifest(text));
        stored = true;
        return {};
    };
    auto done = reconcile(manifest, true, commit);
    if (done) {
        if (manifest_) {
            retire_missing(book_, Kind::group, manifest_->target_groups, manifest.target_groups);
            retire_missing(book_, Kind::endpoint, manifest_->endpoints, manifest.endpoints);
        }
        manifest_ = manifest;
        manifest_text_ = text;
        trouble_.clear();
        return {};
    }
    book_ = book;
    tables_ = tables;
    fleet_ = fleet;
    written_groups_.clear();
    written_words_.clear();
    Status undone;
    if (!manifest_) {
        if (stored)
            (void)store_.forget_manifest();
        undone = take_down(false);
    } else {
        if (stored)
            (void)store_.save_manifest(manifest_text_);
        written_bank_.reset();
        undone = reconcile(*manifest_, false, {});
    }
    if (!undone)
        spdlog::error("after a change that failed, what was in force could not be put back whole: {}",
                      undone.error().message);
    return done;
}

Status LocalNode::take_down(bool keep_guard) {
    prober_->set_targets({});
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
    boost::system::error_code ignored;
    events_.close(ignored);
    table_.reset();
    redirects_.reset();
    program_.reset();
    attachments_.reset();
    if (pins_)
        note(pins_->remove_all());
    pins_.reset();
    if (paths_)
        paths_->let_go_all();
    if (guard_ && !keep_guard)
        note(guard_->remove());
    std::error_code ignored_too; // folders that are somebody's mount point, or hold what is kept, stay
    std::filesystem::remove(settings_.bpffs / "guard", ignored_too);
    std::filesystem::remove(settings_.bpffs, ignored_too);
    restore_offloads();
    manifest_.reset();
    manifest_text_.clear();
    book_ = IndexBook();
    tables_ = TableBook();
    written_names_.clear();
    computed_.clear();
    slots_.clear();
    written_bank_.reset();
    written_words_.clear();
    written_groups_.clear();
    written_egress_.clear();
    written_hops_.clear();
    next_hop_index_ = 0;
    guard_report_ = {};
    trouble_.clear();
    fleet_ = Fleet(log_transition);
    return first;
}

Status LocalNode::down(const DownOptions &options) {
    if (!netlink_)
        GLB_TRY(open_kernel());
    spdlog::info("taking everything down{}, asked by {}", options.keep_guard ? " but the guard" : "",
                 who(options.peer));
    GLB_TRY(store_.forget_manifest());
    const auto done = take_down(options.keep_guard);
    (void)store_.set_value("health", nullptr);
    return done;
}

} // namespace glb
