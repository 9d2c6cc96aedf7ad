#include "controller/guard/monitor.h"

#include <array>
#include <cerrno>
#include <string_view>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace glb::guard {
namespace {

/// The table's name is the first attribute of everything in it, and of itself.
bool is_of_own_table(const nlmsghdr &message) {
    if (NFNL_SUBSYS_ID(message.nlmsg_type) != NFNL_SUBSYS_NFTABLES)
        return false;
    return NetlinkAttributes(message, sizeof(nfgenmsg)).text(1) == "glb";
}

/// Qdiscs and filters of clsact, whose major number is that of all ones, the parent of other qdiscs.
bool is_of_ingress(const nlmsghdr &message) {
    const auto &tc = *static_cast<const tcmsg *>(mnl_nlmsg_get_payload(&message));
    return tc.tcm_parent >> 16 == 0xffff && tc.tcm_parent != TC_H_ROOT;
}

bool is_relevant_routing(const nlmsghdr &message) {
    switch (message.nlmsg_type) {
    case RTM_NEWRULE:
    case RTM_DELRULE:
        return true;
    case RTM_NEWQDISC:
    case RTM_DELQDISC:
    case RTM_NEWTFILTER:
    case RTM_DELTFILTER:
        return is_of_ingress(message);
    default:
        return false;
    }
}

bool drain_socket(int socket, bool (*is_relevant)(const nlmsghdr &)) {
    alignas(nlmsghdr) std::array<char, 1 << 16> buffer;
    bool found = false;
    for (;;) {
        const auto length = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno == ENOBUFS) {
            found = true; // lost: anything may have changed
            continue;
        }
        if (length <= 0)
            return found;
        int left = static_cast<int>(length);
        const void *start = buffer.data();
        for (const auto *message = static_cast<const nlmsghdr *>(start); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left))
            found = found || is_relevant(*message);
    }
}

} // namespace

Result<Monitor> Monitor::open() {
    constexpr std::array<int, 3> groups{RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_TC};
    GLB_ASSIGN(auto routing, Netlink::subscribe(NETLINK_ROUTE, groups));
    constexpr std::array<int, 1> tables{NFNLGRP_NFTABLES};
    GLB_ASSIGN(auto nftables, Netlink::subscribe(NETLINK_NETFILTER, tables));
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll)
        return fail_errno(errno, "cannot create an epoll descriptor");
    for (const int socket : {routing.fd(), nftables.fd()}) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = socket;
        if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket, &event) != 0)
            return fail_errno(errno, "cannot wait for notifications of the guard");
    }
    return Monitor(std::move(epoll), std::move(routing), std::move(nftables));
}

bool Monitor::drain() {
    const bool routing = drain_socket(routing_.fd(), is_relevant_routing);
    return drain_socket(nftables_.fd(), is_of_own_table) || routing;
}

} // namespace glb::guard
