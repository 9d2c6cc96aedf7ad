#include "controller/network/xfrm.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <linux/xfrm.h>
#include <sys/socket.h>

namespace glb::network {
namespace {

IpPrefix prefix_of(const xfrm_address_t &address, std::uint8_t length, std::uint16_t family) {
    IpPrefix prefix;
    prefix.address.family = family == AF_INET6 ? 6 : 4;
    std::memcpy(prefix.address.bytes.data(), &address, prefix.address.bits() / 8);
    prefix.length = length;
    return prefix;
}

XfrmPolicy read_policy(const nlmsghdr &message) {
    xfrm_userpolicy_info info{}; // a message is aligned to 4 bytes, this to 8
    std::memcpy(&info, mnl_nlmsg_get_payload(&message),
                std::min(mnl_nlmsg_get_payload_len(&message), sizeof info));
    const NetlinkAttributes attributes(message, sizeof info);
    XfrmPolicy policy;
    policy.direction = info.dir == XFRM_POLICY_FWD   ? XfrmPolicy::Direction::forward
                       : info.dir == XFRM_POLICY_OUT ? XfrmPolicy::Direction::out
                                                     : XfrmPolicy::Direction::other;
    policy.source = prefix_of(info.sel.saddr, info.sel.prefixlen_s, info.sel.family);
    policy.destination = prefix_of(info.sel.daddr, info.sel.prefixlen_d, info.sel.family);
    policy.blocks = info.action == XFRM_POLICY_BLOCK;
    policy.has_templates = attributes.get(XFRMA_TMPL) != nullptr;
    policy.interface_id = attributes.u32(XFRMA_IF_ID);
    return policy;
}

/// Policies for what no policy matches. Kernels before 5.15 have none.
void read_defaults(Netlink &netlink, std::vector<XfrmPolicy> &policies) {
    NetlinkRequest request(XFRM_MSG_GETDEFAULT, 0);
    request.extra<xfrm_userpolicy_default>();
    (void)netlink.query(request, "cannot read the default IPsec policy", [&](const nlmsghdr &message) {
        if (message.nlmsg_type != XFRM_MSG_GETDEFAULT)
            return;
        const auto &row = *static_cast<const xfrm_userpolicy_default *>(mnl_nlmsg_get_payload(&message));
        for (const auto &[value, direction] : {std::pair(row.fwd, XfrmPolicy::Direction::forward),
                                               std::pair(row.out, XfrmPolicy::Direction::out)}) {
            XfrmPolicy policy;
            policy.direction = direction;
            policy.is_default = policy.blocks = true;
            if (value == XFRM_USERPOLICY_BLOCK)
                policies.push_back(policy);
        }
    });
}

/// A single address of the node.
bool is_own(const IpPrefix &prefix, const Snapshot &snapshot) {
    return prefix.length == prefix.address.bits() &&
           std::ranges::any_of(snapshot.addresses,
                               [&](const LinkAddress &own) { return own.address == prefix.address; });
}

} // namespace

std::string to_string(const XfrmPolicy &policy) {
    const auto *direction = policy.direction == XfrmPolicy::Direction::forward ? "fwd" : "out";
    const auto *action = policy.blocks ? " action block" : "";
    if (policy.is_default)
        return fmt::format("default dir {}{}", direction, action);
    return fmt::format("src {} dst {} dir {}{}", policy.source.to_string(), policy.destination.to_string(),
                       direction, action);
}

bool applies_to_forwarded(const XfrmPolicy &policy, const Snapshot &snapshot) {
    const bool has_effect = policy.blocks || policy.has_templates;
    if (!has_effect || policy.interface_id || policy.direction == XfrmPolicy::Direction::other)
        return false;
    if (policy.is_default)
        return true;
    return policy.direction == XfrmPolicy::Direction::out ? !is_own(policy.source, snapshot)
                                                          : !is_own(policy.destination, snapshot);
}

const XfrmPolicy *xfrm_policy_of_forwarded(const Snapshot &snapshot) {
    const auto found = std::ranges::find_if(snapshot.xfrm_policies, [&](const XfrmPolicy &policy) {
        return applies_to_forwarded(policy, snapshot);
    });
    return found == snapshot.xfrm_policies.end() ? nullptr : &*found;
}

Result<XfrmReader> XfrmReader::open() {
    XfrmReader reader;
    auto requests = Netlink::open(NETLINK_XFRM);
    if (!requests && requests.error().code == EPROTONOSUPPORT)
        return reader;
    if (!requests)
        return tl::unexpected(requests.error());
    constexpr std::array<int, 1> groups = {XFRMNLGRP_POLICY};
    GLB_ASSIGN(auto events, Netlink::subscribe(NETLINK_XFRM, groups));
    reader.requests_ = std::move(*requests);
    reader.events_ = std::move(events);
    return reader;
}

bool XfrmReader::has_changed() {
    bool changed = false;
    std::array<char, 64> start{}; // only whether there is one matters
    for (;;) {
        const auto length = ::recv(events_->fd(), start.data(), start.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno != ENOBUFS) // lost ones are changes
            return changed;
        changed = true;
    }
}

Result<std::vector<XfrmPolicy>> XfrmReader::read() {
    if (!requests_)
        return std::vector<XfrmPolicy>{};
    if (!has_changed() && policies_)
        return *policies_;
    policies_.reset();
    std::vector<XfrmPolicy> policies;
    NetlinkRequest request(XFRM_MSG_GETPOLICY, 0);
    GLB_TRY(requests_->dump(
        request, "cannot list the IPsec policies", [&] { policies.clear(); },
        [&](const nlmsghdr &message) {
            if (message.nlmsg_type == XFRM_MSG_NEWPOLICY)
                policies.push_back(read_policy(message));
        }));
    read_defaults(*requests_, policies);
    policies_ = policies;
    return policies;
}

} // namespace glb::network
