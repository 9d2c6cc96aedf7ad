// LocalNode: the watch over its targets. What is here runs on the loop of health unless it says otherwise,
// and holds shared_ as briefly as it can; what needs routes, neighbours or the disk is handed to the node's
// loop.
#include <algorithm>
#include <cstring>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include "controller/node/node.h"
#include "controller/util/log.h"

namespace glb {

using boost::asio::posix::stream_descriptor;

PassiveHooks LocalNode::passive_hooks() {
    PassiveHooks hooks;
    hooks.drain_events = [this] { drain_events(); };
    hooks.count = [this](std::uint16_t index) -> std::optional<glb_target_count> {
        if (const auto count = program_ ? program_->target_count(index) : fail("no program"))
            return *count;
        return std::nullopt;
    };
    hooks.write_words = [this] { publish_health(); };
    hooks.on_probe = [this](const std::string &key, const ProbeResult &result) { on_probe(key, result); };
    return hooks;
}

/// From any thread. A node that ends does no more of them.
void LocalNode::on_node_loop(std::function<void()> task) {
    boost::asio::post(loop_, [this, task = std::move(task)] {
        if (!stopped_)
            task();
    });
}

/// On the node's loop: the events of another program from now on.
void LocalNode::watch_events() {
    const std::lock_guard held(shared_);
    if (events_.is_open()) {
        boost::system::error_code ignored;
        events_.close(ignored);
    }
    events_.assign(::dup(program_->event_fd()));
    ++events_generation_;
    wait_events();
}

void LocalNode::wait_events() {
    events_.async_wait(stream_descriptor::wait_read,
                       [this, of = events_generation_](const boost::system::error_code &code) {
                           const std::lock_guard held(shared_);
                           if (code || !program_ ||
                               of != events_generation_) // one that was under way when the descriptor changed
                               return;
                           drain_events();
                           wait_events();
                       });
}

void LocalNode::drain_events() {
    if (!program_)
        return;
    if (const auto done = program_->drain_events([this](const glb_event &event) { on_event(event); }); !done)
        spdlog::warn("{}", done.error().message);
}

void LocalNode::on_event(const glb_event &event) {
    if (event.kind == GLB_EVENT_IN_BAND)
        return passive_->on_event(event);
    if (event.kind == GLB_EVENT_NO_METADATA)
        return on_node_loop([this, ifindex = event.ifindex] { on_driver_lacks_metadata(ifindex); });
    IpAddress address;
    address.family = static_cast<std::uint8_t>(event.family);
    std::memcpy(address.bytes.data(), event.address, address.bits() / 8);
    if (event.kind == GLB_EVENT_NO_NEIGHBOUR)
        on_node_loop([this, ifindex = event.ifindex, address] { paths_->resolve(ifindex, address); });
    else if (event.kind == GLB_EVENT_SENDER_MAC)
        on_sender_mac_mismatch(event);
}

void LocalNode::on_sender_mac_mismatch(const glb_event &event) {
    const auto sender = IpAddress::v4(event.address[0]);
    MacAddress mac;
    std::memcpy(mac.bytes.data(), &event.address[1], mac.bytes.size());
    registry_.on_sender_mac(sender, mac);
    on_node_loop([this, sender] {
        if (paths_->force_resolve(sender, Clock::now()))
            on_network_change();
    });
}

bool LocalNode::has_path(const std::string &target) const {
    const auto index = book_.find(IndexAllocator::Kind::target, target);
    return index && written_.bank && *index < written_.bank->targets.size() &&
           written_.bank->targets[*index].flags & GLB_TARGET_RESOLVED;
}

/// An answer says that the next hop is resolved by now. The data path must know the way before the target
/// counts as healthy: a daemon that ends in between would leave it without one.
void LocalNode::on_probe(const std::string &key, const ProbeResult &result) {
    const std::lock_guard held(shared_);
    if (result.outcome == ProbeOutcome::timeout || result.outcome == ProbeOutcome::error)
        on_node_loop([this, key] { // another machine may have this address now
            if (const auto member = registry_.members().find(key); paths_ && member != registry_.members().end())
                paths_->revalidate(member->second.target.address, Clock::now());
        });
    if (result.outcome != ProbeOutcome::ok || !registry_.is_initial(key) || has_path(key))
        return apply_probe_result(key, result);
    on_node_loop([this, key, result] {
        if (!has_path(key))
            refresh();
        const std::lock_guard still(shared_);
        if (has_path(key) &&
            registry_.is_initial(key)) // else the next answer asks again, or failures came meanwhile
            apply_probe_result(key, result);
    });
}

/// On either loop.
void LocalNode::apply_probe_result(const std::string &key, const ProbeResult &result) {
    const std::lock_guard held(shared_);
    if (registry_.on_probe(key, result, Clock::now()))
        publish_health();
}

/// On either loop: the data path follows the states of targets, and what that makes of groups is told.
void LocalNode::publish_health() {
    const std::lock_guard held(shared_);
    if (const auto done = program_ ? write_words() : Status{}; !done)
        spdlog::error("{}", done.error().message);
    log_group_changes();
}

/// On either loop: what has become of each group's new flows, by the words that the data path has.
void LocalNode::log_group_changes() {
    const std::lock_guard held(shared_);
    for (const auto &[index, words] : written_.groups) {
        const auto group = book_.name_of(IndexAllocator::Kind::group, index);
        const bool any_failed = std::ranges::any_of(registry_.members_of(group), [](const auto &row) {
            return row.second.health.state() == TargetState::unhealthy;
        });
        for (const auto &line : group_edges_.note(group, words.decision.action, any_failed))
            spdlog::warn("{}", line);
    }
}

/// On the node's loop: what the fleet holds by now is watched.
void LocalNode::update_health_targets(const Manifest &manifest) {
    {
        const std::lock_guard held(shared_);
        group_edges_.set_manifest(manifest);
        log_group_changes();
    }
    health_loop_.post([this, targets = registry_.probe_targets(manifest.node.tunnel.address),
                       manifest = std::make_shared<const Manifest>(manifest)] {
        prober_->set_targets(targets);
        passive_->set_manifest(*manifest);
    });
}

/// On the node's loop.
void LocalNode::clear_health_targets() {
    health_loop_.post([this] {
        prober_->set_targets({});
        passive_->stop();
    });
}

} // namespace glb
