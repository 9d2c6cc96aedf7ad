#include "controller/network/snapshot.h"

#include <algorithm>

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "lib/netlink/rules.h"

namespace glb::network {
namespace {

template <typename T>
const T &extra(const nlmsghdr &message) {
    return *static_cast<const T *>(mnl_nlmsg_get_payload(&message));
}

void read_kind(const NetlinkAttributes &attributes, Link &link) {
    const NetlinkAttributes info(attributes.get(IFLA_LINKINFO));
    link.kind = info.text(IFLA_INFO_KIND);
    if (link.kind != "vlan")
        return;
    const NetlinkAttributes data(info.get(IFLA_INFO_DATA));
    if (const auto *id = data.get(IFLA_VLAN_ID))
        link.vlan_id = mnl_attr_get_u16(id);
    if (const auto *protocol = data.get(IFLA_VLAN_PROTOCOL))
        link.vlan_protocol = ntohs(mnl_attr_get_u16(protocol));
}

Link read_link(const nlmsghdr &message) {
    const auto &header = extra<ifinfomsg>(message);
    const NetlinkAttributes attributes(message, sizeof(ifinfomsg));
    Link link;
    link.index = static_cast<unsigned>(header.ifi_index);
    link.name = attributes.text(IFLA_IFNAME);
    link.mac = attributes.mac(IFLA_ADDRESS);
    link.mtu = attributes.u32(IFLA_MTU);
    link.up = header.ifi_flags & IFF_UP;
    link.running = header.ifi_flags & IFF_RUNNING;
    link.master = attributes.u32(IFLA_MASTER);
    link.lower = attributes.u32(IFLA_LINK);
    link.lower_is_local = attributes.get(IFLA_LINK_NETNSID) == nullptr;
    read_kind(attributes, link);
    return link;
}

LinkAddress read_address(const nlmsghdr &message) {
    const auto &header = extra<ifaddrmsg>(message);
    const NetlinkAttributes attributes(message, sizeof(ifaddrmsg));
    LinkAddress result;
    result.ifindex = header.ifa_index;
    // On a point-to-point link IFA_ADDRESS is the peer; IPv6 without a peer has only IFA_ADDRESS.
    result.address = attributes.address(attributes.get(IFA_LOCAL) ? IFA_LOCAL : IFA_ADDRESS);
    result.prefix_length = header.ifa_prefixlen;
    if (const auto broadcast = attributes.address(IFA_BROADCAST); broadcast.family)
        result.broadcast = broadcast;
    return result;
}

} // namespace

Neighbour read_neighbour(const nlmsghdr &message) {
    const auto &header = extra<ndmsg>(message);
    const NetlinkAttributes attributes(message, sizeof(ndmsg));
    const auto *protocol = attributes.get(NDA_PROTOCOL);
    return {static_cast<unsigned>(header.ndm_ifindex),
            attributes.address(NDA_DST),
            attributes.mac(NDA_LLADDR),
            header.ndm_state,
            header.ndm_flags,
            attributes.u32(NDA_FLAGS_EXT),
            protocol ? mnl_attr_get_u8(protocol) : std::uint8_t{0}};
}

bool Neighbour::is_foreign() const {
    return state & (NUD_PERMANENT | NUD_NOARP) || (flags & NTF_EXT_LEARNED && protocol != own_rule_protocol);
}

bool Neighbour::is_valid() const {
    return state & (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY);
}

const Link *Snapshot::link(unsigned index) const {
    const auto found = std::find_if(links.begin(), links.end(), [&](auto &l) { return l.index == index; });
    return found == links.end() ? nullptr : &*found;
}

const Link *Snapshot::link(std::string_view name) const {
    const auto found = std::find_if(links.begin(), links.end(), [&](auto &l) { return l.name == name; });
    return found == links.end() ? nullptr : &*found;
}

const Neighbour *Snapshot::neighbour(unsigned ifindex, const IpAddress &address) const {
    const auto found = std::find_if(neighbours.begin(), neighbours.end(),
                                    [&](auto &n) { return n.ifindex == ifindex && n.address == address; });
    return found == neighbours.end() ? nullptr : &*found;
}

Result<Snapshot> read_snapshot(Netlink &netlink) {
    Snapshot snapshot;
    NetlinkRequest links(RTM_GETLINK, 0);
    links.extra<ifinfomsg>();
    GLB_TRY(netlink.dump(
        links, "cannot list the interfaces", [&] { snapshot.links.clear(); },
        [&](const nlmsghdr &message) {
            if (message.nlmsg_type == RTM_NEWLINK)
                snapshot.links.push_back(read_link(message));
        }));
    NetlinkRequest addresses(RTM_GETADDR, 0);
    addresses.extra<ifaddrmsg>();
    GLB_TRY(netlink.dump(
        addresses, "cannot list the addresses", [&] { snapshot.addresses.clear(); },
        [&](const nlmsghdr &message) {
            if (message.nlmsg_type != RTM_NEWADDR)
                return;
            if (auto address = read_address(message); address.address.family)
                snapshot.addresses.push_back(address);
        }));
    NetlinkRequest neighbours(RTM_GETNEIGH, 0);
    neighbours.extra<ndmsg>();
    GLB_TRY(netlink.dump(
        neighbours, "cannot list the neighbours", [&] { snapshot.neighbours.clear(); },
        [&](const nlmsghdr &message) {
            if (message.nlmsg_type != RTM_NEWNEIGH)
                return;
            if (auto neighbour = read_neighbour(message); neighbour.address.family)
                snapshot.neighbours.push_back(neighbour);
        }));
    return snapshot;
}

} // namespace glb::network
