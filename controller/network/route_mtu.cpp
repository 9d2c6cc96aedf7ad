#include "controller/network/route_mtu.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace glb::network {
namespace {

constexpr std::chrono::seconds overrun_pause{30};

/// nullopt: the route has no MTU, or is not one of forwarded packets.
std::optional<RouteMtu> read_route(const nlmsghdr &message) {
    const auto *route = static_cast<const rtmsg *>(mnl_nlmsg_get_payload(&message));
    if (route->rtm_type != RTN_UNICAST || (route->rtm_flags & RTM_F_CLONED) ||
        (route->rtm_family != AF_INET && route->rtm_family != AF_INET6))
        return std::nullopt;
    const NetlinkAttributes attributes(message, sizeof(rtmsg));
    const auto *metrics = attributes.get(RTA_METRICS);
    const unsigned mtu = metrics ? NetlinkAttributes(metrics).u32(RTAX_MTU) : 0;
    if (!mtu)
        return std::nullopt;
    RouteMtu result;
    result.destination.address = attributes.address(RTA_DST);
    result.destination.address.family = route->rtm_family == AF_INET6 ? 6 : 4; // a default route has none
    result.destination.length = route->rtm_dst_len;
    result.mtu = mtu;
    return result;
}

} // namespace

std::vector<RouteMtu> merged_route_mtus(std::vector<RouteMtu> routes) {
    std::map<IpPrefix, unsigned> smallest;
    const auto add = [&](const IpPrefix &destination, unsigned mtu) {
        const auto [at, is_new] = smallest.emplace(destination, mtu);
        if (!is_new)
            at->second = std::min(at->second, mtu);
    };
    for (const auto &route : routes)
        add(route.destination, route.mtu);
    if (smallest.size() > max_route_mtus) {
        smallest.clear();
        for (const auto &route : routes)
            add({{route.destination.address.family, {}}, 0}, route.mtu);
    }
    routes.clear();
    for (const auto &[destination, mtu] : smallest)
        routes.push_back({destination, mtu});
    return routes;
}

Result<RouteMtuReader> RouteMtuReader::open() {
    GLB_ASSIGN(auto requests, Netlink::open());
    constexpr std::array<int, 2> groups = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};
    GLB_ASSIGN(auto events, Netlink::subscribe(NETLINK_ROUTE, groups));
    return RouteMtuReader(std::move(requests), std::move(events));
}

/// A route that replaces one with an MTU is reported without the old one: its MTU stays until the next reading,
/// and longer packets are left to the kernel.
void RouteMtuReader::drain_events() {
    std::vector<char> buffer(64 * 1024);
    for (;;) {
        const auto length = ::recv(events_.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno == ENOBUFS) {
            is_overrun_ = true;
            continue;
        }
        if (length <= 0)
            return;
        int remaining = static_cast<int>(length);
        const void *start = buffer.data();
        const auto *message = static_cast<const nlmsghdr *>(start);
        for (; mnl_nlmsg_ok(message, remaining); message = mnl_nlmsg_next(message, &remaining))
            if (message->nlmsg_type == RTM_NEWROUTE || message->nlmsg_type == RTM_DELROUTE)
                is_stale_ = is_stale_ || read_route(*message).has_value();
    }
}

Result<std::vector<RouteMtu>> RouteMtuReader::read(MonotonicTime now) {
    drain_events();
    if (routes_ && !is_stale_ && !(is_overrun_ && now - read_at_ >= overrun_pause))
        return *routes_;
    std::vector<RouteMtu> routes;
    NetlinkRequest request(RTM_GETROUTE, 0);
    request.extra<rtmsg>();
    const auto done = requests_.dump(
        request, "cannot list the routes", [&] { routes.clear(); },
        [&](const nlmsghdr &message) {
            if (auto route = read_route(message))
                routes.push_back(*route);
        });
    is_stale_ = false;
    is_overrun_ = !done; // of large tables that change all the time a consistent dump may fail
    read_at_ = now;
    if (!done && routes_)
        return *routes_;
    GLB_TRY(done);
    routes_ = merged_route_mtus(std::move(routes));
    return *routes_;
}

} // namespace glb::network
