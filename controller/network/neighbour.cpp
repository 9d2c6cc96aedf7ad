#include "controller/network/neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace glb::network {
namespace {

NetlinkRequest neighbour_request(std::uint16_t message_type, std::uint16_t flags, unsigned ifindex,
                                 const IpAddress &address, std::uint8_t neighbour_flags) {
    NetlinkRequest request(message_type, flags);
    auto &header = request.extra<ndmsg>();
    header.ndm_family = address.family == 6 ? AF_INET6 : AF_INET;
    header.ndm_ifindex = static_cast<int>(ifindex);
    header.ndm_flags = neighbour_flags;
    request.put(NDA_DST, address);
    return request;
}

Result<bool> is_managed(Netlink &netlink, unsigned ifindex, const IpAddress &address) {
    auto request = neighbour_request(RTM_GETNEIGH, 0, ifindex, address, 0);
    bool managed = false;
    GLB_TRY(netlink.query(request, "cannot read a neighbour", [&](const nlmsghdr &message) {
        managed = NetlinkAttributes(message, sizeof(ndmsg)).u32(NDA_FLAGS_EXT) & NTF_EXT_MANAGED;
    }));
    return managed;
}

} // namespace

Status request_resolution(Netlink &netlink, unsigned ifindex, const IpAddress &address) {
    auto request = neighbour_request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, ifindex, address, NTF_USE);
    return netlink.execute(request, "cannot resolve a neighbour");
}

Result<RefreshMode> manage_neighbour(Netlink &netlink, unsigned ifindex, const IpAddress &address) {
    auto request = neighbour_request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, ifindex, address, NTF_USE);
    request.put(NDA_FLAGS_EXT, std::uint32_t{NTF_EXT_MANAGED});
    if (netlink.execute(request, "cannot manage a neighbour")) {
        GLB_ASSIGN(const bool managed, is_managed(netlink, ifindex, address));
        return managed ? RefreshMode::managed : RefreshMode::on_use;
    }
    GLB_TRY(request_resolution(netlink, ifindex, address));
    return RefreshMode::on_use;
}

Status remove_neighbour(Netlink &netlink, unsigned ifindex, const IpAddress &address) {
    auto request = neighbour_request(RTM_DELNEIGH, 0, ifindex, address, 0);
    auto done = netlink.execute(request, "cannot remove a neighbour");
    if (!done && (done.error().code == ENOENT || done.error().code == ENODEV || done.error().code == ENXIO))
        return {};
    return done;
}

} // namespace glb::network
