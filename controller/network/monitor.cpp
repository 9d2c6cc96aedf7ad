#include "controller/network/monitor.h"

#include <array>
#include <vector>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace glb::network {
namespace {

constexpr std::array<int, 9> groups = {
    RTNLGRP_LINK,    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
    RTNLGRP_NEXTHOP, RTNLGRP_NEIGH,       RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,
};

} // namespace

void Monitor::record(const nlmsghdr &message, NetworkChange &change) {
    switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        change.links = true;
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        change.addresses = true;
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
        change.routes = true;
        break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        change.neighbours |= update_neighbour(read_neighbour(message), message.nlmsg_type == RTM_DELNEIGH);
        break;
    case RTM_NEWRULE:
    case RTM_DELRULE:
        change.rules = true;
        break;
    default:
        break;
    }
}

bool Monitor::update_neighbour(const Neighbour &neighbour, bool removed) {
    if (neighbour.address.family == 0)
        return false;
    const std::pair key(neighbour.ifindex, neighbour.address);
    if (removed || !neighbour.is_valid())
        return neighbours_.erase(key) != 0;
    const auto [at, is_new] = neighbours_.try_emplace(key, neighbour.mac);
    return is_new || std::exchange(at->second, neighbour.mac) != neighbour.mac;
}

void Monitor::set_known_neighbours(const Snapshot &snapshot) {
    neighbours_.clear();
    for (const auto &neighbour : snapshot.neighbours)
        if (neighbour.is_valid())
            neighbours_.emplace(std::pair(neighbour.ifindex, neighbour.address), neighbour.mac);
}

Result<Monitor> Monitor::open() {
    GLB_ASSIGN(auto netlink, Netlink::subscribe(NETLINK_ROUTE, groups));
    return Monitor(std::move(netlink));
}

Status Monitor::drain(const std::function<void(const NetworkChange &)> &on_change) {
    NetworkChange change;
    std::vector<char> buffer(64 * 1024);
    while (true) {
        const auto length = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (length < 0 && errno == ENOBUFS) {
            change.overrun = true;
            ++overruns_;
            continue;
        }
        if (length < 0)
            return fail_errno(errno, "cannot read netlink notifications");
        int remaining = static_cast<int>(length);
        const void *start = buffer.data();
        const auto *message = static_cast<const nlmsghdr *>(start);
        for (; mnl_nlmsg_ok(message, remaining); message = mnl_nlmsg_next(message, &remaining))
            record(*message, change);
    }
    if (change.any())
        on_change(change);
    return {};
}

} // namespace glb::network
