#include "controller/network/neighbour.h"

#include <cstring>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "lib/netlink/rules.h"

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

bool is_missing(const Error &error) {
    return error.code == ENOENT || error.code == ENODEV || error.code == ENXIO;
}

/// Each request replaces both kinds of flags of an existing entry, and takes NUD_PERMANENT from it.
Status request_entry(Netlink &netlink, unsigned ifindex, const IpAddress &address, std::uint8_t flags,
                     std::uint32_t extended_flags, const char *what) {
    auto request = neighbour_request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, ifindex, address, flags);
    if (extended_flags)
        request.put(NDA_FLAGS_EXT, extended_flags);
    if (flags & NTF_EXT_LEARNED)
        request.put8(NDA_PROTOCOL, own_rule_protocol);
    return netlink.execute(request, what);
}

} // namespace

Result<std::optional<Neighbour>> read_neighbour(Netlink &netlink, unsigned ifindex,
                                                const IpAddress &address) {
    auto request = neighbour_request(RTM_GETNEIGH, 0, ifindex, address, 0);
    std::optional<Neighbour> found;
    const auto done = netlink.query(request, "cannot read a neighbour",
                                    [&](const nlmsghdr &message) { found = read_neighbour(message); });
    if (!done && !is_missing(done.error()))
        return tl::unexpected(done.error());
    return found;
}

Status request_resolution(Netlink &netlink, unsigned ifindex, const IpAddress &address) {
    GLB_ASSIGN(const auto known, read_neighbour(netlink, ifindex, address));
    if (known && known->is_foreign())
        return {};
    const bool is_ours = known && known->protocol == own_rule_protocol;
    return request_entry(netlink, ifindex, address, is_ours ? NTF_USE | NTF_EXT_LEARNED : NTF_USE,
                         is_ours ? known->extended_flags : 0, "cannot resolve a neighbour");
}

Result<RefreshMode> manage_neighbour(Netlink &netlink, unsigned ifindex, const IpAddress &address) {
    GLB_ASSIGN(const auto known, read_neighbour(netlink, ifindex, address));
    if (known && known->is_foreign())
        return RefreshMode::foreign;
    constexpr std::uint8_t flags = NTF_USE | NTF_EXT_LEARNED;
    if (request_entry(netlink, ifindex, address, flags, NTF_EXT_MANAGED, "cannot manage a neighbour")) {
        GLB_ASSIGN(const auto entry, read_neighbour(netlink, ifindex, address));
        return entry && entry->extended_flags & NTF_EXT_MANAGED ? RefreshMode::managed : RefreshMode::on_use;
    }
    GLB_TRY(request_entry(netlink, ifindex, address, flags, 0, "cannot resolve a neighbour"));
    return RefreshMode::on_use;
}

Result<bool> remove_neighbour(Netlink &netlink, unsigned ifindex, const IpAddress &address) {
    GLB_ASSIGN(const auto known, read_neighbour(netlink, ifindex, address));
    if (!known || known->is_foreign())
        return !known;
    auto request = neighbour_request(RTM_DELNEIGH, 0, ifindex, address, 0);
    const auto done = netlink.execute(request, "cannot remove a neighbour");
    if (!done && !is_missing(done.error()))
        return tl::unexpected(done.error());
    return true;
}

Result<std::uint64_t> neighbour_table_overflows(Netlink &netlink) {
    std::uint64_t overflows = 0;
    NetlinkRequest request(RTM_GETNEIGHTBL, 0);
    request.extra<ndtmsg>();
    GLB_TRY(netlink.dump(
        request, "cannot read the neighbour tables", [&] { overflows = 0; },
        [&](const nlmsghdr &message) {
            const auto *stats = NetlinkAttributes(message, sizeof(ndtmsg)).get(NDTA_STATS);
            ndt_stats values{};
            if (!stats || mnl_attr_get_payload_len(stats) < sizeof values)
                return;
            std::memcpy(&values, mnl_attr_get_payload(stats), sizeof values);
            overflows += values.ndts_table_fulls;
        }));
    return overflows;
}

} // namespace glb::network
