// LocalNode: what an operator orders beside the manifest: drains, bypasses, confirmation and return of
// manifests, and that leftovers go.
#include <algorithm>
#include <span>

#include "controller/config/manifest_diff.h"
#include "controller/config/parser.h"
#include "controller/datapath/stale_pins.h"
#include "controller/node/node.h"
#include "controller/util/log.h"

namespace glb {

namespace {

using Kind = IndexAllocator::Kind;
using nlohmann::json;

std::optional<std::uint64_t> seconds_left(std::optional<MonotonicTime> end, MonotonicTime now) {
    if (!end)
        return std::nullopt;
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(*end - now).count()));
}

} // namespace

/// What an earlier daemon was told. Beside another manifest than the stored one a confirmation says nothing.
void LocalNode::load_overrides() {
    bypasses_.set(store_.value("bypasses"));
    confirmation_ = Confirmation::from_json(store_.value("confirmation"));
    if (confirmation_ && !confirmation_->concerns(store_.load_manifest().text.value_or("")))
        confirmation_.reset();
}

Status LocalNode::set_confirmation(std::optional<Confirmation> confirmation) {
    GLB_TRY(store_.set_value("confirmation", confirmation ? confirmation->to_json() : json()));
    confirmation_ = std::move(confirmation);
    return {};
}

/// A history that cannot be written is no reason to refuse a change.
void LocalNode::append_history(const std::string &by, const PeerCredentials &peer, const std::string &file) {
    HistoryEntry entry;
    entry.time = utc_now();
    entry.by = by;
    entry.file = file;
    if (peer.known) {
        entry.uid = peer.uid;
        entry.pid = peer.pid;
    }
    entry.epoch = epoch_of(program_);
    entry.manifest = manifest_text_;
    if (const auto done = history_.add(entry); !done)
        spdlog::warn("{}", done.error().message);
}

Result<documents::History> LocalNode::history() {
    documents::History document;
    for (const auto &entry : history_.entries()) {
        documents::HistoryEntry row;
        row.back = document.history.size();
        row.time = entry.time;
        row.by = entry.by;
        if (!entry.file.empty())
            row.file = entry.file;
        row.uid = entry.uid;
        row.pid = entry.pid;
        row.epoch = entry.epoch;
        if (const auto manifest = parse_manifest(entry.manifest)) {
            row.endpoints = manifest->endpoints.size();
            row.target_groups = manifest->target_groups.size();
            row.targets = 0;
            for (const auto &group : manifest->target_groups)
                *row.targets += group.targets.size();
        }
        document.history.push_back(std::move(row));
    }
    return document;
}

Result<ApplyResult> LocalNode::rollback(unsigned back, const ApplyOptions &options) {
    const auto entries = history_.entries();
    if (back >= entries.size())
        return tl::unexpected(
            Error{fmt::format("the history has no manifest {} places back; it has {}", back, entries.size()),
                  ENOENT});
    auto how = options;
    how.by = "rollback";
    return apply(entries[back].manifest, how);
}

Status LocalNode::confirm(const PeerCredentials &peer) {
    if (!confirmation_)
        return tl::unexpected(Error{"no manifest waits for a confirmation", ENOENT});
    GLB_TRY(set_confirmation(std::nullopt));
    spdlog::info("the manifest in force is confirmed, {}",
                 change_text(epoch_of(program_), epoch_of(program_), peer));
    return {};
}

/// Back to the manifest before the one on trial, or to nothing where there was none.
Status LocalNode::revert() {
    const auto before = confirmation_->revert_to;
    const auto epoch = epoch_of(program_);
    spdlog::warn("the manifest in force was not confirmed in time: the one before returns");
    if (!before) {
        GLB_TRY(store_.remove_manifest());
        GLB_TRY(take_down(false));
        spdlog::warn("there was no manifest before: everything is down, {}",
                     change_text(epoch, epoch_of(program_), {}));
        return set_confirmation(std::nullopt);
    }
    const auto manifest = parse_manifest(*before);
    if (!manifest)
        return fail("the manifest before is not understood: {}", manifest.error().front().message);
    GLB_TRY(activate(*manifest, *before, !diff_manifests(manifest_, *manifest).empty(), std::nullopt));
    spdlog::warn("the manifest before has returned, {}", change_text(epoch, epoch_of(program_), {}));
    append_history("revert", {});
    return {};
}

/// What had an end, and has come to it.
void LocalNode::expire_overrides() {
    const auto now = Clock::now();
    for (const auto &endpoint : bypasses_.expire(now)) {
        spdlog::warn("endpoint {}: the time of its bypass is over, {}", endpoint,
                     change_text(epoch_of(program_), epoch_of(program_), {}));
        if (const auto done = store_.set_value("bypasses", bypasses_.to_json()); !done)
            spdlog::warn("{}", done.error().message);
    }
    if (confirmation_ && confirmation_->until <= now)
        if (const auto done = revert(); !done)
            spdlog::error("the manifest before could not be put back: {}", done.error().message);
}

Result<documents::Drain> LocalNode::drain(const DrainRequest &order) {
    const auto name = target_name(order.group, order.target);
    GLB_ASSIGN(const auto before, health_.run([&] {
        return order.drain ? engine_->drain(name, order.force) : engine_->undrain(name);
    }));
    if (const auto persisted = persist_drains(); !persisted) {
        health_.run([&] {
            if (order.drain && !before)
                (void)engine_->undrain(name);
            else if (!order.drain && before)
                (void)engine_->drain(name, true, *before);
        });
        return tl::unexpected(persisted.error());
    }
    spdlog::info("target {}: {}, {}", name, order.drain ? "drained" : "undrained",
                 change_text(epoch_of(program_), epoch_of(program_), order.peer));
    const auto live = health();
    const auto *target = live->find(name);
    const auto until = target ? target->operator_drain_until : std::nullopt;
    const auto flows = count();
    const auto index = target ? target->target.index : GLB_NO_TARGET;
    return documents::Drain{order.group, order.target, until.has_value(),
                            index < flows.by_target.size() ? flows.by_target[index] : 0,
                            seconds_left(until, Clock::now())};
}

Result<documents::Bypass> LocalNode::bypass(const BypassRequest &order) {
    const auto endpoints =
        manifest_ ? std::span<const Endpoint>(manifest_->endpoints) : std::span<const Endpoint>();
    const auto endpoint = std::find_if(endpoints.begin(), endpoints.end(),
                                       [&](const Endpoint &row) { return row.name == order.endpoint; });
    if (endpoint == endpoints.end())
        return tl::unexpected(Error{fmt::format("there is no endpoint {}", order.endpoint), ENOENT});
    const auto now = Clock::now();
    const auto before = bypasses_;
    if (order.off)
        (void)bypasses_.off(order.endpoint);
    else
        bypasses_.order(order.endpoint, order.duration ? std::optional(now + *order.duration) : std::nullopt);
    if (const auto kept = store_.set_value("bypasses", bypasses_.to_json()); !kept) {
        bypasses_ = before;
        return tl::unexpected(kept.error());
    }
    const auto why = bypass_reason(*endpoint);
    const auto change = change_text(epoch_of(program_), epoch_of(program_), order.peer);
    if (order.off)
        spdlog::warn("endpoint {}: {}, {}", order.endpoint,
                     why ? fmt::format("its bypass by order is over; {} bypasses it all the same", *why)
                         : "inspected again",
                     change);
    else
        spdlog::warn("endpoint {}: BYPASSED, forwarded uninspected {}, {}", order.endpoint,
                     order.duration ? fmt::format("for {} s", order.duration->count())
                                    : "until that is ended",
                     change);
    if (program_)
        GLB_TRY(write_endpoint_words(*manifest_));
    return documents::Bypass{order.endpoint, why.has_value(), why, endpoint->target_group,
                             bypasses_.seconds_left(order.endpoint, now)};
}

/// The order's end stands in the word: it comes without the daemon too.
Status LocalNode::write_endpoint_words(const Manifest &manifest) {
    for (const auto &endpoint : manifest.endpoints) {
        const auto index = *book_.find(Kind::endpoint, endpoint.name);
        const auto word = bypasses_.word(endpoint.name);
        const auto written = written_.endpoint_words.find(index);
        if (written != written_.endpoint_words.end() && written->second == word)
            continue;
        GLB_TRY(program_->config.set_endpoint_override(index, word));
        written_.endpoint_words[index] = word;
    }
    return {};
}

Result<documents::GarbageCollection> LocalNode::collect_garbage(bool dry_run, const PeerCredentials &peer) {
    if (!program_)
        return tl::unexpected(
            Error{"no manifest is in force, so nobody knows which pins the next one needs", EAGAIN});
    if (move_ || resize_)
        return tl::unexpected(
            Error{"flows move from one table to another; ask again when status says they have", EAGAIN});
    GLB_ASSIGN(const auto leftovers, datapath::find_stale_pins(settings_.bpffs, *pins_));
    documents::GarbageCollection document{!dry_run, {}};
    for (const auto &leftover : leftovers) {
        if (!dry_run) {
            GLB_TRY(leftover.remove());
            spdlog::info("removed {}, which nothing uses, requested by {}", leftover.pin, to_string(peer));
        }
        document.leftovers.push_back({leftover.kind, leftover.pin});
    }
    return document;
}

/// "order", or "onAllUnhealthy" where its group is down and its owner chose that; nothing where it is
/// inspected.
std::optional<std::string> LocalNode::bypass_reason(const Endpoint &endpoint) const {
    if (bypasses_.has(endpoint.name))
        return "order";
    const auto live = health();
    const auto group = live->groups.find(endpoint.target_group);
    if (group != live->groups.end() && group->second == GroupAction::bypass)
        return "onAllUnhealthy";
    return std::nullopt;
}

} // namespace glb
