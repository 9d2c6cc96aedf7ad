#include "controller/control/change_plan.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>

#include "controller/control/health_config.h"
#include "controller/plan/egress_plan.h"
#include "controller/plan/hash_key.h"

namespace glb::control {

namespace {

/// How long packets may return to the address that the tunnel had before.
constexpr std::chrono::seconds previous_address_time{5};

template <typename Row>
bool same_rows(const std::vector<Row> &a, const std::vector<Row> &b) {
    return a.size() == b.size() &&
           (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Row)) == 0);
}

plan::IndexAllocator found_indexes(const FoundDatapath &found) {
    std::map<std::uint16_t, std::string> addresses;
    for (const auto &[index, row] : found.config.targets)
        addresses[index] = plan::address_text(IpAddress::v4(row.destination), ntohs(row.port));
    return plan::IndexAllocator::from_names(found.config.names, addresses);
}

/// The indexes and tables of an earlier daemon, as its maps have them.
plan::Allocation found_allocation(const FoundDatapath &found, std::uint32_t ticks) {
    plan::Allocation allocation;
    allocation.indexes = found_indexes(found);
    for (const auto &[index, group] : found.config.groups)
        if (group.row.table < GLB_MAX_TABLES)
            allocation.generations.adopt(index, group.row, group.fingerprint, ticks);
    return allocation;
}

/// An ejection is in the data path at once, and in the state file some time later.
std::map<std::string, health::HealthReason> found_failures(const FoundDatapath &found,
                                                           const config::Manifest &manifest,
                                                           const plan::IndexAllocator &indexes) {
    std::map<std::string, health::HealthReason> failures;
    for (const auto &group : manifest.target_groups)
        for (const auto &target : group.targets) {
            const auto name = plan::target_name(group.name, target.id);
            const auto index = indexes.find(plan::IndexKind::target, name);
            const auto state =
                index ? found.config.target_states.find(*index) : found.config.target_states.end();
            if (state != found.config.target_states.end() && !(state->second & GLB_TARGET_KEEP_EMBRYONIC))
                failures[name] = group.health_check.passive.enabled
                                     ? health::HealthReason::no_return_traffic
                                     : health::HealthReason::failed_health_checks;
        }
    return failures;
}

/// Targets of the configuration, removed ones that still drain, and adopted ones. By index: a target that gets another
/// address has another one, and the previous drains.
std::vector<plan::PlannedTarget> planned_targets(const health::HealthConfig &config,
                                                 const health::HealthSnapshot &live,
                                                 const std::vector<health::AdoptedTarget> &adopted) {
    std::map<std::uint16_t, plan::PlannedTarget> targets;
    const auto plan = [&](const health::HealthTarget &target, std::uint16_t group) {
        targets[target.index] = {target.index, group, target.address, target.port};
    };
    for (const auto &target : adopted)
        plan(target.target, target.group_index);
    for (const auto &target : live.targets)
        plan(target.target, target.group_index);
    for (const auto &group : config.groups)
        for (const auto &target : group.targets)
            plan(target, group.index);
    std::vector<plan::PlannedTarget> rows;
    for (const auto &[index, target] : targets)
        rows.push_back(target);
    return rows;
}

void plan_guards(const PlanInput &input, const plan::IndexAllocator &indexes, ChangePlan &plan) {
    plan.guard_after = plan::plan_guard(input.manifest, indexes, input.snapshot, input.known_devices);
    plan.guard_during = plan.guard_after;
    if (!input.previous)
        return;
    for (auto &port : plan::plan_guard(*input.previous, indexes, input.snapshot, input.known_devices).ports)
        if (std::none_of(plan.guard_after.ports.begin(), plan.guard_after.ports.end(),
                         [&](const plan::GuardedPort &other) {
                             return other.interface == port.interface && other.vlans == port.vlans;
                         }))
            plan.guard_during.ports.push_back(std::move(port));
}

void plan_interfaces(const PlanInput &input, ChangePlan &plan) {
    plan.mode = input.manifest.node.xdp_mode == config::XdpMode::native ? datapath::AttachMode::native
                                                                        : datapath::AttachMode::generic;
    std::set<unsigned> wanted, during = input.attached;
    for (const auto &name : plan::interface_names(input.manifest))
        if (const auto *link = input.snapshot.link(name)) { // one that appears later is a change of its own
            plan.attach.emplace_back(link->index, name);
            wanted.insert(link->index);
        }
    std::ranges::set_difference(input.attached, wanted, std::back_inserter(plan.detach));
    during.insert(wanted.begin(), wanted.end());
    plan.egress_during = plan::plan_egress(input.snapshot, during);
    plan.egress_after = plan.detach.empty() ? plan.egress_during : plan::plan_egress(input.snapshot, wanted);
    plan.next_hops = next_hop_rows(input.snapshot, plan.egress_during);
    const auto *tunnel = input.snapshot.link(input.manifest.node.tunnel.interface.name);
    plan.tunnel = tunnel ? tunnel->index : 0;
}

Status plan_bank_image(const PlanInput &input, const plan::Allocation &allocation, ChangePlan &plan) {
    const auto targets = planned_targets(*plan.health, input.health, plan.adopted);
    auto config = plan::plan_bank(input.manifest, allocation.indexes, input.snapshot, allocation.generations,
                                  targets, input.paths, plan::steering_key(input.seed));
    plan.previous_tunnel_address = input.previous_tunnel_address;
    const auto &address = input.manifest.node.tunnel.address;
    if (input.previous && input.previous->node.tunnel.address != address)
        plan.previous_tunnel_address = {input.previous->node.tunnel.address,
                                        input.now + previous_address_time};
    if (plan.previous_tunnel_address && plan.previous_tunnel_address->until > input.now)
        config.previous_address = plan.previous_tunnel_address->address;
    GLB_ASSIGN(plan.bank, plan::build_bank(config));
    for (const auto &target : targets)
        if (target.index < plan.bank.targets.size() &&
            plan.bank.targets[target.index].flags & GLB_TARGET_RESOLVED)
            plan.resolved.insert(target.index);
    return {};
}

void plan_health(const PlanInput &input, const plan::IndexAllocator &indexes, ChangePlan &plan) {
    plan.health = std::make_shared<const health::HealthConfig>(
        health_config(input.manifest, indexes, input.health.generation + 1));
    plan.adopted = input.adopted;
    if (input.found)
        plan.found_failures = found_failures(*input.found, input.manifest, indexes);
    const auto *committed = input.committed_health;
    plan.health_changed = !plan.adopted.empty() || !committed || committed->groups != plan.health->groups ||
                          committed->probe_source != plan.health->probe_source;
}

} // namespace

std::vector<health::AdoptedTarget> adopted_targets(const FoundDatapath &found,
                                                   const config::Manifest &manifest,
                                                   const health::HealthSnapshot &health) {
    std::vector<health::AdoptedTarget> adopted;
    auto indexes = found_indexes(found);
    (void)plan::claim_indexes(indexes, manifest, nullptr); // a failure is reported by plan_change()
    for (const auto &name : indexes.retired(plan::IndexKind::target)) {
        const auto index = *indexes.find(plan::IndexKind::target, name);
        const auto row = found.config.targets.find(index);
        const auto parsed = plan::parse_target_name(name);
        if (health.find(name) || parsed.group.empty() || row == found.config.targets.end())
            continue;
        health::HealthTarget target;
        target.id = parsed.id;
        target.address = IpAddress::v4(row->second.destination);
        target.port = ntohs(row->second.port);
        target.weight = 0;
        target.index = index;
        adopted.push_back({parsed.group, row->second.group, target, name});
    }
    return adopted;
}

std::set<IpAddress> target_addresses(const config::Manifest &manifest, const health::HealthSnapshot &health,
                                     const std::vector<health::AdoptedTarget> &adopted) {
    std::set<IpAddress> addresses;
    for (const auto &target : adopted)
        addresses.insert(target.target.address);
    for (const auto &target : health.targets)
        addresses.insert(target.target.address);
    for (const auto &group : manifest.target_groups)
        for (const auto &target : group.targets)
            addresses.insert(target.address);
    return addresses;
}

std::map<datapath::NextHopKey, glb_next_hop> next_hop_rows(const network::Snapshot &snapshot,
                                                           const datapath::EgressWriter::EgressRows &egress) {
    std::map<datapath::NextHopKey, glb_next_hop> rows;
    for (const auto &[ifindex, hop] : plan::plan_next_hops(snapshot, egress)) {
        MacAddress mac;
        std::memcpy(mac.bytes.data(), hop.destination, mac.bytes.size());
        rows.emplace(std::pair(ifindex, mac), hop);
    }
    return rows;
}

Result<ChangePlan> plan_change(const PlanInput &input) {
    ChangePlan plan;
    plan.manifest = &input.manifest;
    auto allocation = input.found ? found_allocation(*input.found, input.ticks) : input.allocation;
    GLB_TRY(plan::claim_indexes(allocation.indexes, input.manifest, input.previous));
    plan_guards(input, allocation.indexes, plan);
    GLB_ASSIGN(plan.maglev, plan::plan_maglev(allocation, input.manifest, input.ticks));
    for (const auto &[group, table] : allocation.tables)
        plan.maglev_slots.insert(table->share.begin(), table->share.end());
    plan_health(input, allocation.indexes, plan);
    for (const auto &endpoint : input.manifest.endpoints)
        plan.overrides[*allocation.indexes.find(plan::IndexKind::endpoint, endpoint.name)] =
            input.bypasses.word(endpoint.name);
    plan_interfaces(input, plan);
    GLB_TRY(plan_bank_image(input, allocation, plan));
    plan.index_names = allocation.indexes.rows();
    plan.allocation = std::make_shared<const plan::Allocation>(std::move(allocation));
    return plan;
}

bool is_same_bank(const plan::BankImage &a, const plan::BankImage &b) {
    return std::memcmp(&a.node, &b.node, sizeof a.node) == 0 && same_rows(a.ports, b.ports) &&
           same_rows(a.endpoints, b.endpoints) && same_rows(a.endpoint_ids, b.endpoint_ids) &&
           same_rows(a.groups, b.groups) && same_rows(a.targets, b.targets) &&
           same_rows(a.senders, b.senders) && same_rows(a.local_addresses, b.local_addresses) &&
           same_rows(a.local_macs, b.local_macs) && same_rows(a.route_mtus, b.route_mtus);
}

} // namespace glb::control
