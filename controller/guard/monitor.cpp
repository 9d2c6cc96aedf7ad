#include "controller/guard/monitor.h"

#include <array>
#include <cerrno>
#include <string_view>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace glb::guard {
namespace {

Status join(int socket, const std::array<int, 3> &groups) {
    for (const int group : groups)
        if (group && ::setsockopt(socket, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
            return fail_errno(errno, "cannot join netlink group {}", group);
    return {};
}

Result<Fd> open_nftables_events() {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
    if (!socket)
        return fail_errno(errno, "cannot open a netlink socket for nftables");
    sockaddr_nl address{}; // the kernel sends no notifications to a socket without a port
    address.nl_family = AF_NETLINK;
    if (::bind(socket.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
        return fail_errno(errno, "cannot bind a netlink socket");
    GLB_TRY(join(socket.get(), {NFNLGRP_NFTABLES}));
    return socket;
}

/// The table's name is the first attribute of everything in it, and of itself.
bool is_of_own_table(const nlmsghdr &message) {
    if (NFNL_SUBSYS_ID(message.nlmsg_type) != NFNL_SUBSYS_NFTABLES)
        return false;
    return NetlinkAttributes(message, sizeof(nfgenmsg)).text(1) == "glb";
}

/// Qdiscs and filters of clsact, whose major number is 0xffff.
bool is_of_ingress(const nlmsghdr &message) {
    const auto &tc = *static_cast<const tcmsg *>(mnl_nlmsg_get_payload(&message));
    return tc.tcm_parent >> 16 == 0xffff;
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
    GLB_ASSIGN(auto routing, Netlink::open(true));
    GLB_TRY(join(routing.fd(), {RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_TC}));
    GLB_ASSIGN(auto nftables, open_nftables_events());
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll)
        return fail_errno(errno, "cannot create an epoll descriptor");
    for (const int socket : {routing.fd(), nftables.get()}) {
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
    return drain_socket(nftables_.get(), is_of_own_table) || routing;
}

} // namespace glb::guard
