// The steps by which a node makes the kernel hold a manifest, in an order that never opens a hole: guard,
// maps, words, attach, egress, bank, and only then what is not wanted any more goes.
#include <algorithm>
#include <cstring>

#include "controller/node/node.h"
#include "controller/util/log.h"

namespace glb {

namespace {

using Kind = IndexAllocator::Kind;

/// So long a packet that is on its way to a target may come back to the address that the tunnel had.
constexpr std::chrono::seconds former_address_time{5};

template <typename Row>
bool same_rows(const std::vector<Row> &a, const std::vector<Row> &b) {
    return a.size() == b.size() &&
           (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Row)) == 0);
}

bool same_image(const BankImage &a, const BankImage &b) {
    return std::memcmp(&a.node, &b.node, sizeof a.node) == 0 && same_rows(a.ports, b.ports) &&
           same_rows(a.endpoints, b.endpoints) && same_rows(a.endpoint_ids, b.endpoint_ids) &&
           same_rows(a.groups, b.groups) && same_rows(a.targets, b.targets) &&
           same_rows(a.senders, b.senders) && same_rows(a.local_addresses, b.local_addresses) &&
           same_rows(a.local_macs, b.local_macs);
}

} // namespace

Status LocalNode::reconcile(const Manifest &manifest, bool new_epoch, const std::function<Status()> &commit) {
    GLB_TRY(refresh_network_snapshot());
    GLB_TRY(prepare_program(manifest));
    GLB_TRY(claim_indexes(manifest));
    // Guarded before anything is attached; what is about to go is guarded until it is gone.
    const auto known = store_.value("devices");
    const auto plan = plan_guard(manifest, book_, snapshot_, known);
    auto both = plan;
    if (manifest_)
        for (auto &port : plan_guard(*manifest_, book_, snapshot_, known).ports)
            if (std::none_of(plan.ports.begin(), plan.ports.end(), [&](const GuardPort &other) {
                    return other.interface == port.interface && other.vlans == port.vlans;
                }))
                both.ports.push_back(std::move(port));
    GLB_TRY(ensure_guard(both));
    guard_report_.installed = true;
    if (auto devices = known_devices(plan); devices != known)
        if (const auto done = store_.set_value("devices", std::move(devices)); !done)
            spdlog::warn("{}", done.error().message);
    GLB_TRY(load_program(manifest));
    GLB_ASSIGN(const auto kept, program_->config.metadata());
    GLB_TRY(guard_->set_magic(kept.settings.punt_magic));

    GLB_TRY(write_config(manifest, new_epoch, commit));
    GLB_TRY(finish_move(manifest));
    GLB_TRY(detach_others(manifest));
    if (both.ports.size() != plan.ports.size()) {
        GLB_TRY(guard_->install(plan));
        GLB_TRY(guard_->set_magic(kept.settings.punt_magic));
    }
    release_unused_maglev_tables();
    return {};
}

Status LocalNode::refresh_network_snapshot() {
    GLB_ASSIGN(snapshot_, read_snapshot(*netlink_));
    monitor_->set_known_neighbours(snapshot_);
    return {};
}

/// What follows the kernel's interfaces, routes and neighbours, and the time, whether or not the manifest
/// changed.
Status LocalNode::write_config(const Manifest &manifest, bool new_epoch,
                               const std::function<Status()> &commit) {
    GLB_TRY(build_tables(manifest));
    GLB_TRY(stage_health(manifest));
    GLB_TRY(write_endpoint_words(manifest));
    GLB_TRY(attach_all(manifest));
    GLB_TRY(write_egress());
    if (commit)
        GLB_TRY(commit());
    GLB_TRY(write_bank(manifest, new_epoch));
    GLB_TRY(commit_health());
    return write_next_hops();
}

const ComputedTable &LocalNode::compute_table(const TargetGroup &group, std::uint16_t index) {
    std::vector<MaglevTarget> targets;
    for (const auto &target : group.targets)
        targets.push_back(
            {target.id, target.weight, *book_.find(Kind::target, target_name(group.name, target.id))});
    const auto [at, is_new] = computed_.try_emplace(index);
    if (is_new || at->second.targets != targets) {
        auto slots = build_maglev(targets);
        const auto print = maglev_fingerprint(slots);
        std::vector<std::uint32_t> counts(std::size_t{maglev_no_target} + 1);
        for (const auto target : slots)
            ++counts[target];
        std::map<std::uint16_t, std::uint32_t> share;
        for (const auto &target : targets)
            share[target.index] = counts[target.index];
        at->second = {std::move(targets), std::move(slots), print, std::move(share)};
    }
    return at->second;
}

Status LocalNode::build_tables(const Manifest &manifest) {
    slots_.clear();
    const auto now = tick_now();
    tables_.close_windows(now);
    for (const auto &group : manifest.target_groups) {
        const auto index = *book_.find(Kind::group, group.name);
        const auto &table = compute_table(group, index);
        slots_.insert(table.share.begin(), table.share.end());
        if (tables_.row(index).fingerprint == table.fingerprint)
            continue;
        const auto window = std::max({group.idle_tcp, group.idle_other, group.deregistration_delay});
        GLB_ASSIGN(const auto place,
                   tables_.begin(index, table.fingerprint, now,
                                 static_cast<std::uint32_t>(window.count()) * GLB_TICKS_PER_SECOND));
        GLB_TRY(program_->config.put_maglev(place, table.slots));
    }
    return {};
}

Status LocalNode::write_bank(const Manifest &manifest, bool new_epoch) {
    std::set<IpAddress> addresses;
    for (const auto &target : planned_targets_)
        addresses.insert(target.address);
    const auto ways = paths_->update(snapshot_, manifest.node.tunnel.interface, addresses, Clock::now());
    auto config = plan_bank(manifest, book_, snapshot_, tables_, planned_targets_, ways, steering_key(seed_));
    if (manifest_ && manifest_->node.tunnel.address != manifest.node.tunnel.address)
        former_address_ = {manifest_->node.tunnel.address, Clock::now() + former_address_time};
    if (former_address_ && former_address_->second > Clock::now())
        config.previous_address = former_address_->first;
    GLB_ASSIGN(auto image, build_bank(config));
    if (!new_epoch && written_.bank && same_image(image, *written_.bank))
        return {};
    GLB_TRY(program_->config.write_idle_bank(image));
    GLB_ASSIGN(const auto control, program_->counters.control());
    GLB_TRY(program_->config.flip(new_epoch || control.epoch == 0));
    written_.bank = std::move(image);
    return {};
}

Status LocalNode::detach_others(const Manifest &manifest) {
    std::set<unsigned> wanted;
    for (const auto &name : interface_names(manifest))
        if (const auto *link = snapshot_.link(name))
            wanted.insert(link->index);
    bool any = false;
    for (const auto ifindex : attachments_->interfaces())
        if (!wanted.contains(ifindex)) {
            GLB_TRY(attachments_->detach(ifindex));
            any = true;
        }
    return any ? write_egress() : Status{};
}

void LocalNode::release_unused_maglev_tables() {
    tables_.release_dropped();
    for (std::uint32_t index = 0; index < GLB_MAX_TABLES; ++index) {
        if (tables_.in_use(index))
            continue;
        const auto print = program_->config.maglev_fingerprint_at(index);
        if (print && *print)
            if (const auto done = program_->config.remove_maglev(index); !done)
                spdlog::warn("{}", done.error().message);
    }
}

} // namespace glb
