#include "controller/guard/bridge_table.h"

#include <set>

#include <fmt/format.h>

#include "controller/plan/guard_bridges.h"

namespace glb::guard {

void BridgeTable::write(Nftables &nftables, const plan::GuardPlan &plan) {
    Status done;
    if (plan::guarded_bridges(plan).empty()) {
        done = remove(nftables);
    } else {
        done = nftables.run(plan::bridge_ruleset(plan));
        if (!done)
            done = nftables.run(plan::bridge_ruleset(plan, true));
    }
    error_ = done ? std::string() : done.error().message;
    listing_.reset(); // unknown, if it cannot be listed
    if (auto listing = nftables.list("table bridge glb"))
        listing_ = std::move(*listing);
}

void BridgeTable::repair(Nftables &nftables, const plan::GuardPlan &plan,
                         std::vector<std::string> &repaired) {
    write(nftables, plan);
    if (error_.empty())
        repaired.push_back("nftables table bridge glb");
}

Result<bool> BridgeTable::is_intact(Nftables &nftables) const {
    GLB_ASSIGN(const auto listing, nftables.list("table bridge glb"));
    return listing == listing_;
}

std::vector<Condition> BridgeTable::conditions(const plan::GuardPlan &plan) const {
    const bool has_marks = plan::can_tell_ports(plan);
    if (has_marks && error_.empty())
        return {};
    std::set<std::string> names;
    for (const auto &port : plan.ports)
        if (port.is_guarded())
            names.insert(port.bridges.begin(), port.bridges.end());
    const auto reason =
        has_marks ? error_ : fmt::format("node.markMask {:#010x} has too few bits for it", plan.mark_mask);
    std::vector<Condition> conditions;
    for (const auto &name : names)
        conditions.push_back(
            {Severity::warning, "bridge-blocked", name,
             fmt::format(
                 "the guard cannot tell the ports of this bridge apart, and the kernel forwards nothing that "
                 "enters by one: {}",
                 reason),
             has_marks
                 ? "use a kernel with CONFIG_NF_TABLES_BRIDGE, if the message says that it is not supported"
                 : "set more bits in node.markMask"});
    return conditions;
}

/// A kernel without the bridge family lists nothing.
Status BridgeTable::remove(Nftables &nftables) {
    GLB_ASSIGN(const auto listing, nftables.list("table bridge glb"));
    return listing.empty() ? Status() : nftables.run("delete table bridge glb\n");
}

} // namespace glb::guard
