#include "controller/control/redirect_checks.h"

#include <iterator>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "controller/network/xfrm.h"
#include "controller/plan/bank_plan.h"
#include "controller/plan/egress_plan.h"
#include "controller/plan/index_allocator.h"

namespace glb::control {

namespace {

/// Inspected packets are punted while a policy may apply to them: plan_bank().
std::vector<Condition> ipsec_policies(const network::Snapshot &network) {
    const auto *policy = network::xfrm_policy_of_forwarded(network);
    if (!policy)
        return {};
    return {{Severity::warning, "ipsec-policy", "",
             fmt::format("IPsec policy \"{}\" may apply to forwarded packets: the kernel forwards what was "
                         "inspected, which is slower",
                         to_string(*policy)),
             "if it is for this machine's own packets: give it this machine's address as a selector"}};
}

/// Tunnel packets have the node's own address, and are sent by redirects all the same.
std::vector<Condition> ipsec_policies_of_tunnel(const config::Manifest &manifest,
                                                const network::Snapshot &snapshot) {
    for (const auto &policy : snapshot.xfrm_policies) {
        const bool is_out = policy.direction == network::XfrmPolicy::Direction::out && !policy.interface_id;
        if (!is_out || !(policy.blocks || policy.has_templates) ||
            !(policy.is_default || policy.source.contains(manifest.node.tunnel.address)))
            continue;
        for (const auto &group : manifest.target_groups)
            for (const auto &target : group.targets)
                if (policy.is_default || policy.destination.contains(target.address))
                    return {{Severity::warning, "ipsec-policy-of-tunnel",
                             plan::target_name(group.name, target.id),
                             fmt::format(
                                 "IPsec policy \"{}\" does not apply to tunnel packets: they leave in clear",
                                 to_string(policy)),
                             "exclude UDP port 6081 from the policy, or encrypt behind this machine"}};
    }
    return {};
}

/// Frames that XDP redirects pass by the queueing disciplines and filters of the interface that sends them.
std::vector<Condition> bypassed_egress_controls(const config::Manifest &manifest,
                                                const network::Snapshot &snapshot) {
    using network::EgressControl;
    std::set<unsigned> carriers, senders;
    for (const auto &name : plan::interface_names(manifest))
        if (const auto *link = snapshot.link(name))
            carriers.insert(link->index);
    senders = carriers;
    for (const auto &[ifindex, row] : plan::plan_egress(snapshot, carriers))
        senders.insert(ifindex);
    std::map<std::pair<EgressControl::Type, std::string>, std::string> kinds; // by interface
    for (const auto &control : snapshot.egress_controls)
        if (const auto *link = snapshot.link(control.ifindex); link && senders.contains(control.ifindex)) {
            auto &text = kinds[{control.type, link->name}];
            text += (text.empty() ? "" : ", ") + control.kind;
        }
    std::vector<Condition> conditions;
    for (const auto &[place, text] : kinds) {
        const bool is_filter = place.first == EgressControl::Type::filter;
        conditions.push_back({Severity::warning, is_filter ? "egress-filter" : "egress-qdisc", place.second,
                              fmt::format("{} at egress ({}) does not apply to packets that glb forwards",
                                          is_filter ? "filter" : "queueing discipline", text),
                              "limit or filter on another device, or at ingress"});
    }
    return conditions;
}

} // namespace

std::vector<Condition> bypassed_by_redirects(const config::Manifest &manifest,
                                             const network::Snapshot &snapshot) {
    auto conditions = ipsec_policies(snapshot);
    std::ranges::move(ipsec_policies_of_tunnel(manifest, snapshot), std::back_inserter(conditions));
    std::ranges::move(bypassed_egress_controls(manifest, snapshot), std::back_inserter(conditions));
    return conditions;
}

} // namespace glb::control
