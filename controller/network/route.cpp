#include "controller/network/route.h"

#include <algorithm>
#include <cstring>

#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace glb::network {
namespace {

// RTA_VIA: a gateway whose family differs from the route's.
std::optional<IpAddress> read_via(const nlattr *attribute) {
    const std::size_t size = mnl_attr_get_payload_len(attribute);
    if (size < sizeof(rtvia))
        return std::nullopt;
    const auto *via = static_cast<const rtvia *>(mnl_attr_get_payload(attribute));
    IpAddress address;
    address.family = via->rtvia_family == AF_INET6 ? 6 : 4;
    if (size < sizeof(rtvia) + address.bits() / 8)
        return std::nullopt;
    std::memcpy(address.bytes.data(), &via->rtvia_addr[0], address.bits() / 8);
    return address;
}

std::optional<IpAddress> if_present(IpAddress address) {
    return address.family ? std::optional(address) : std::nullopt;
}

NetlinkRequest route_request(const RouteQuery &query, unsigned flags) {
    NetlinkRequest request(RTM_GETROUTE, 0);
    auto &header = request.extra<rtmsg>();
    header.rtm_family = query.destination.family == 6 ? AF_INET6 : AF_INET;
    header.rtm_flags = flags;
    header.rtm_dst_len = static_cast<unsigned char>(query.destination.bits());
    if (query.source)
        header.rtm_src_len = static_cast<unsigned char>(query.source->bits());
    request.put(RTA_DST, query.destination);
    if (query.source)
        request.put(RTA_SRC, *query.source);
    if (query.mark)
        request.put(RTA_MARK, query.mark);
    if (query.oif)
        request.put(RTA_OIF, query.oif);
    return request;
}

} // namespace

Result<RouteAnswer> route_get(Netlink &netlink, const RouteQuery &query) {
    auto request = route_request(query, 0);
    RouteAnswer answer;
    const auto what = fmt::format("no route to {}", query.destination.to_string());
    GLB_TRY(netlink.query(request, what.c_str(), [&](const nlmsghdr &message) {
        const auto *route = static_cast<const rtmsg *>(mnl_nlmsg_get_payload(&message));
        const NetlinkAttributes attributes(message, sizeof(rtmsg));
        answer.oif = attributes.u32(RTA_OIF);
        answer.gateway = if_present(attributes.address(RTA_GATEWAY));
        if (const auto *via = attributes.get(RTA_VIA))
            answer.gateway = read_via(via);
        answer.source = if_present(attributes.address(RTA_PREFSRC));
        answer.mtu = NetlinkAttributes(attributes.get(RTA_METRICS)).u32(RTAX_MTU);
        answer.local = route->rtm_type == RTN_LOCAL;
    }));
    return answer;
}

bool has_route(Netlink &netlink, const RouteQuery &query) {
    auto request = route_request(query, RTM_F_FIB_MATCH);
    return netlink.query(request, "no route", [](const nlmsghdr &) {}).has_value();
}

} // namespace glb::network
