// LocalNode: its life: start, what happens by itself while it runs, stop.
#include "controller/node/node.h"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "controller/config/manifest_diff.h"
#include "controller/config/parser.h"
#include "controller/control/boot_guard.h"
#include "controller/control/persisted_targets.h"
#include "controller/util/lock_file.h"
#include "controller/util/log.h"

namespace glb {

namespace {

using Kind = IndexAllocator::Kind;
using boost::asio::posix::stream_descriptor;

constexpr std::chrono::milliseconds settle_time{20}; // changes of the network come in bursts
constexpr std::chrono::milliseconds census_slice{2};
constexpr std::chrono::seconds census_pause{2};
constexpr std::chrono::seconds tick_time{1};
constexpr std::chrono::milliseconds look_time{500}; // two of them, and a replaced appliance is known

/// In what it means, whatever its spaces and the order of its members; a file that is not understood differs.
bool differs(const Manifest &in_force, const std::string &file) {
    const auto other = parse_manifest(file);
    return !other || !diff_manifests(in_force, *other).empty();
}

/// The manifest in force wins over the file, whatever that holds or does not.
void warn_of_difference(const ManifestFile &file, const Manifest &in_force) {
    if (!file.text)
        spdlog::warn("--manifest: {}; the manifest in force, kept in the state folder, goes on",
                     file.text.error().message);
    else if (differs(in_force, *file.text))
        spdlog::warn("{} differs from the manifest in force, which wins; SIGHUP applies the file",
                     file.path.string());
}

} // namespace

LocalNode::LocalNode(boost::asio::io_context &loop, NodeSettings settings, StateStore store)
    : loop_(loop), settings_(std::move(settings)), store_(std::move(store)),
      history_(settings_.state_dir / "history"), network_changes_(loop), tick_(loop), settle_(loop),
      look_(loop) {
    engine_ = std::make_unique<HealthEngine>(health_.context(), [this](HealthEvent event) {
        on_node_loop([this, event = std::move(event)] { on_health_event(event); });
    });
}

Result<std::unique_ptr<LocalNode>> LocalNode::open(boost::asio::io_context &loop, NodeSettings settings) {
    GLB_ASSIGN(auto store, StateStore::open(settings.state_dir));
    if (!store.warning().empty())
        spdlog::warn("{}", store.warning());
    return std::unique_ptr<LocalNode>(new LocalNode(loop, std::move(settings), std::move(store)));
}

Status LocalNode::open_kernel() {
    GLB_ASSIGN(netlink_, Netlink::open());
    GLB_ASSIGN(paths_, PathResolver::open());
    GLB_ASSIGN(pins_, datapath::Pins::open(settings_.bpffs));
    GLB_TRY(lock_pins());
    GLB_ASSIGN(guard_, guard::Guard::open({settings_.bpffs / "guard", settings_.state_dir / "guard.json"}));
    GLB_ASSIGN(monitor_, Monitor::open());
    health_.run(
        [this] { engine_->restore(persisted_targets(store_.value("health"), store_.value("drains"))); });
    load_overrides();
    watch_network();
    return {};
}

/// One daemon a bpffs: two with state folders of their own would take each other's maps and links for
/// leftovers.
Status LocalNode::lock_pins() {
    if (pins_lock_)
        return {};
    auto lock = lock_folder(settings_.bpffs);
    if (!lock) {
        lock.error().message += "; stop it, or give this one another folder with --bpffs";
        return tl::unexpected(std::move(lock).error());
    }
    pins_lock_ = std::move(*lock);
    return {};
}

Status LocalNode::start(const std::optional<ManifestFile> &first_manifest) {
    GLB_TRY(open_kernel());
    schedule_tick();
    schedule_look();
    auto stored = store_.load_manifest();
    if (!stored.warning.empty())
        spdlog::warn("{}", stored.warning);
    if (stored.text) {
        auto manifest = parse_manifest(*stored.text);
        if (!manifest)
            return refused(store_.manifest_path(), manifest.error());
        if (first_manifest)
            warn_of_difference(*first_manifest, *manifest);
        manifest_ = *manifest;
        manifest_text_ = *stored.text;
        if (const auto done = reconcile(*manifest_, false, {}); !done) {
            trouble_ = done.error().message;
            spdlog::error("not all of the manifest in force could be carried out yet: {}", trouble_);
        }
        spdlog::info("started with the manifest in force, {}",
                     change_text(epoch_found_, epoch_of(program_), {}));
        if (const auto entries = history_.entries();
            entries.empty() || differs(*manifest_, entries.front().manifest))
            append_history("start", {});
        expire_overrides();
        return {};
    }
    if (!first_manifest) {
        spdlog::info("no manifest: waiting for glbctl apply");
        const auto held = ensure_kept_guard(store_, settings_.bpffs, *guard_);
        if (!held)
            spdlog::error("the guard that down was told to keep could not be held: {}", held.error().message);
        return held && *held ? check_guard() : Status{};
    }
    ApplyOptions options;
    options.by = "start";
    options.file = first_manifest->path.string();
    GLB_ASSIGN(const auto text, first_manifest->text);
    GLB_ASSIGN(const auto result, apply(text, options));
    return result.errors.empty() ? Status{} : refused(first_manifest->path, result.errors);
}

void LocalNode::stop() {
    stopped_ = true;
    health_.stop();
    (void)store_.set_value("health", health_to_json(health()->persisted));
    network_changes_.release();
    tick_.cancel();
    look_.cancel();
    settle_.cancel();
}

std::string LocalNode::not_ready_reason() const {
    if (!manifest_)
        return "waits for a manifest: glbctl apply FILE";
    if (!trouble_.empty())
        return trouble_;
    if (!program_)
        return "the data path is not loaded";
    for (const auto &name : interface_names(*manifest_))
        if (!is_attached(name))
            return fmt::format("not attached to {}", name);
    const auto &address = manifest_->node.tunnel.address;
    const bool is_here = std::any_of(snapshot_.addresses.begin(), snapshot_.addresses.end(),
                                     [&](const LinkAddress &row) { return row.address == address; });
    return is_here ? "" : fmt::format("waits for the tunnel's address {}", address.to_string());
}

void LocalNode::watch_network() {
    if (!network_changes_.is_open())
        network_changes_.assign(monitor_->fd());
    network_changes_.async_wait(stream_descriptor::wait_read, [this](const boost::system::error_code &code) {
        if (code || stopped_)
            return;
        bool any = false;
        const auto drained = monitor_->drain([&](const NetworkChange &change) { any = change.any(); });
        if (!drained)
            spdlog::warn("{}", drained.error().message);
        if (any)
            on_network_change();
        watch_network();
    });
}

/// The first change of a burst is acted upon soon, however long the burst lasts.
void LocalNode::on_network_change() {
    if (settling_)
        return;
    settling_ = true;
    settle_.expires_after(settle_time);
    settle_.async_wait([this](const boost::system::error_code &code) {
        settling_ = false;
        if (code || stopped_)
            return;
        refresh();
        log_interface_changes();
    });
}

/// Routes, links or neighbours may have changed: cached egress is stale from now on, and all else follows.
void LocalNode::refresh() {
    if (!manifest_ || !program_) {
        if (manifest_)
            if (const auto done = reconcile(*manifest_, false, {}); done)
                trouble_.clear();
        return;
    }
    if (const auto done = program_->config.raise_route_generation(); !done)
        spdlog::error("{}", done.error().message);
    const auto done = reconcile(*manifest_, false, {});
    const auto trouble = done ? std::string() : done.error().message;
    if (trouble != trouble_)
        trouble.empty() ? spdlog::info("the manifest in force is carried out again")
                        : spdlog::error("the data path could not follow a change: {}", trouble);
    trouble_ = trouble;
}

void LocalNode::schedule_tick() {
    tick_.expires_after(tick_time);
    tick_.async_wait([this](const boost::system::error_code &code) {
        if (code || stopped_)
            return;
        on_tick();
        schedule_tick();
    });
}

void LocalNode::schedule_look() {
    look_.expires_after(look_time);
    look_.async_wait([this](const boost::system::error_code &code) {
        if (code || stopped_)
            return;
        check_unanswered_targets();
        schedule_look();
    });
}

void LocalNode::check_unanswered_targets() {
    if (!program_ || !paths_)
        return;
    for (const auto &target : health()->targets)
        if (const auto count = program_->counters.target_count(target.target.index);
            count && silence_.is_silent(target.target.index, *count))
            paths_->revalidate(target.target.address, Clock::now());
}

void LocalNode::on_tick() {
    if (!guard_ || !(manifest_ || guard_report_.installed))
        return;
    if (manifest_)
        expire_overrides();
    if (const auto done = check_guard(); !done)
        spdlog::error("{}", done.error().message);
    if (!manifest_)
        return;
    check_resize();
    if (!program_ || !trouble_.empty()) {
        refresh();
        if (!program_)
            return;
    }
    // Routes change without a message now and then: each template is looked at once a second.
    if (refresh_network_snapshot()) {
        if (const auto done = write_config(*manifest_, false, {}); !done) {
            trouble_ = done.error().message;
            spdlog::error("{}", trouble_);
        }
    }
    log_interface_changes();
    std::map<std::string, bool> resolved;
    for (const auto &target : health()->targets)
        resolved[target.name] = !paths_->is_unreachable(target.target.address);
    health_.post([this, resolved = std::move(resolved)] { engine_->on_neighbours(resolved); });
    persist_health();
    if (!census_ && Clock::now() - census_done_ >= census_pause) {
        census_ = std::make_unique<FlowStatsScan>(*table_, timeouts(), tick_now(), &one_way_,
                                                  !book_.retired(Kind::endpoint).empty());
        run_census();
    }
}

void LocalNode::run_census() {
    boost::asio::post(loop_, [this] {
        if (stopped_ || !census_ || !table_)
            return;
        if (!census_->step(census_slice))
            return run_census();
        release_indexes(census_->count());
        health_.post([this, by_target = census_->count().by_target] {
            engine_->on_flow_counts({by_target.begin(), by_target.end()});
        });
        refresh_used_next_hops(census_->count());
        census_.reset();
        census_done_ = Clock::now();
    });
}

/// Indexes whose owners are gone and that no flow names any more are free again. Before drains end by the
/// same count: a slot that was counted already may take such a flow until the target's state is cleared.
void LocalNode::release_indexes(const FlowStats &count) {
    const auto live = health();
    const auto flows = [&](std::uint16_t index) {
        return index < count.by_target.size() ? count.by_target[index] : 0;
    };
    const auto window_is_open = [&](const std::string &target) { // the previous epoch's table may name it
        const auto group = book_.find(Kind::group, target.substr(0, target.find('/')));
        return group && tables_.row(*group).previous != GLB_NO_TABLE;
    };
    const bool one_table = !move_ && !resize_; // else flows of an older table may still come into this one
    for (const auto &name : one_table ? book_.retired(Kind::target) : std::vector<std::string>())
        if (!live->find(name) && flows(*book_.find(Kind::target, name)) == 0 && !window_is_open(name))
            book_.release(Kind::target, name);
    for (const auto &name : book_.retired(Kind::group))
        if (std::ranges::none_of(live->targets,
                                 [&](const TargetSnapshot &target) { return target.group == name; })) {
            tables_.remove(*book_.find(Kind::group, name));
            book_.release(Kind::group, name);
        }
    if (count.endpoints && one_table)
        for (const auto &name : book_.retired(Kind::endpoint))
            if (!count.endpoints->contains(*book_.find(Kind::endpoint, name)))
                book_.release(Kind::endpoint, name);
}

Status LocalNode::check_guard() {
    GLB_ASSIGN(const auto report, guard_->check_and_repair());
    guard_restored_ += report.repaired.size();
    for (const auto &line : report.repaired)
        spdlog::warn("guard: put back: {}", line);
    for (const auto &line : guard_warnings_.update(report.warnings))
        spdlog::warn("guard: {}", line);
    guard_report_ = report;
    return {};
}

/// Installing mends as well, but says nothing of what somebody took away: it is for plans that differ.
Status LocalNode::ensure_guard(const GuardPlan &plan) {
    return guard_->matches(plan) ? check_guard() : guard_->install(plan);
}

} // namespace glb
