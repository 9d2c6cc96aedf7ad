#include "lib/netlink/netlink.h"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace glb {
namespace {

constexpr std::size_t request_size = 4096;
constexpr std::size_t response_size = 64 * 1024; // a link with many VFs exceeds one page
constexpr int max_dump_attempts = 10;
constexpr int receive_buffer = 4 << 20;

std::string extended_ack_message(const nlmsghdr &message) {
    if (!(message.nlmsg_flags & NLM_F_ACK_TLVS))
        return {};
    const auto *error = static_cast<const nlmsgerr *>(mnl_nlmsg_get_payload(&message));
    std::size_t offset = sizeof(nlmsgerr);
    if (!(message.nlmsg_flags & NLM_F_CAPPED) && error->error != 0)
        offset += error->msg.nlmsg_len - sizeof(nlmsghdr);
    if (message.nlmsg_len < NLMSG_HDRLEN + offset)
        return {};
    return NetlinkAttributes(message, offset).text(NLMSGERR_ATTR_MSG);
}

Status acknowledgement(const nlmsghdr &message, const char *what) {
    const auto *error = static_cast<const nlmsgerr *>(mnl_nlmsg_get_payload(&message));
    if (error->error == 0)
        return {};
    const auto detail = extended_ack_message(message);
    if (detail.empty())
        return fail_errno(-error->error, "{}", what);
    return fail_errno(-error->error, "{} ({})", what, detail);
}

} // namespace

NetlinkRequest::NetlinkRequest(std::uint16_t message_type, std::uint16_t flags) : buffer_(request_size) {
    auto *message = mnl_nlmsg_put_header(buffer_.data());
    message->nlmsg_type = message_type;
    message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
}

nlmsghdr *NetlinkRequest::header() {
    void *start = buffer_.data();
    return static_cast<nlmsghdr *>(start);
}

void NetlinkRequest::put(std::uint16_t attribute, std::uint32_t value) {
    mnl_attr_put_u32(header(), attribute, value);
}
void NetlinkRequest::put8(std::uint16_t attribute, std::uint8_t value) {
    mnl_attr_put_u8(header(), attribute, value);
}
void NetlinkRequest::put(std::uint16_t attribute, const IpAddress &address) {
    mnl_attr_put(header(), attribute, address.bits() / 8, address.bytes.data());
}
void NetlinkRequest::put(std::uint16_t attribute, const std::string &text) {
    mnl_attr_put_strz(header(), attribute, text.c_str());
}

Result<Netlink> Netlink::open(int protocol) {
    Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!fd)
        return fail_errno(errno, "cannot open a netlink socket");
    const int on = 1;
    // Optional: older kernels lack these options but still respond.
    (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr *>(&local), sizeof local) != 0)
        return fail_errno(errno, "cannot bind a netlink socket");
    return Netlink(std::move(fd));
}

Result<Netlink> Netlink::subscribe(int protocol, std::span<const int> groups) {
    GLB_ASSIGN(auto netlink, open(protocol));
    const int fd = netlink.fd();
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return fail_errno(errno, "cannot set up a netlink socket");
    // SO_RCVBUFFORCE exceeds net.core.rmem_max but needs CAP_NET_ADMIN.
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) != 0)
        (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    for (const int group : groups)
        if (::setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
            return fail_errno(errno, "cannot join netlink group {}", group);
    return netlink;
}

Status Netlink::send(NetlinkRequest &request, const char *what) {
    auto *message = request.header();
    message->nlmsg_seq = ++sequence_;
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (::sendto(fd_.get(), message, message->nlmsg_len, 0, reinterpret_cast<const sockaddr *>(&kernel),
                 sizeof kernel) < 0)
        return fail_errno(errno, "{}", what);
    return {};
}

Status Netlink::receive(const char *what, bool dump, bool &interrupted, const NetlinkVisitor &visit) {
    std::vector<char> buffer(response_size);
    while (true) {
        const auto length = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return fail_errno(errno, "{}", what);
        int remaining = static_cast<int>(length);
        const void *start = buffer.data();
        const auto *message = static_cast<const nlmsghdr *>(start);
        for (; mnl_nlmsg_ok(message, remaining); message = mnl_nlmsg_next(message, &remaining)) {
            if (message->nlmsg_seq != sequence_)
                continue; // remainder of an abandoned dump
            interrupted = interrupted || (message->nlmsg_flags & NLM_F_DUMP_INTR);
            if (message->nlmsg_type == NLMSG_ERROR)
                return acknowledgement(*message, what);
            if (message->nlmsg_type == NLMSG_DONE)
                return {};
            visit(*message);
            if (!dump)
                return {};
        }
    }
}

Status Netlink::execute(NetlinkRequest &request, const char *what) {
    request.header()->nlmsg_flags |= NLM_F_ACK;
    GLB_TRY(send(request, what));
    bool interrupted = false;
    return receive(what, true, interrupted, [](const nlmsghdr &) {});
}

Status Netlink::query(NetlinkRequest &request, const char *what, const NetlinkVisitor &visit) {
    GLB_TRY(send(request, what));
    bool interrupted = false;
    return receive(what, false, interrupted, visit);
}

Status Netlink::dump(NetlinkRequest &request, const char *what, const std::function<void()> &restart,
                     const NetlinkVisitor &visit) {
    request.header()->nlmsg_flags |= NLM_F_DUMP;
    for (int i = 0; i < max_dump_attempts; ++i) {
        restart();
        GLB_TRY(send(request, what));
        bool interrupted = false;
        const auto done = receive(what, true, interrupted, visit);
        if (done && !interrupted)
            return {};
        if (!done && done.error().code != ENOBUFS && done.error().code != EINTR)
            return done;
    }
    return fail("{}: the kernel's tables changed during each of the attempts", what);
}

void NetlinkAttributes::insert(const nlattr *attribute) {
    const auto number = mnl_attr_get_type(attribute);
    table_.resize(std::max<std::size_t>(table_.size(), number + 1u));
    table_[number] = attribute;
}

// libmnl's iteration macros do arithmetic on void pointers, which is invalid in C++.
NetlinkAttributes::NetlinkAttributes(const nlmsghdr &message, std::size_t extra_header) {
    const auto *end = static_cast<const char *>(mnl_nlmsg_get_payload_tail(&message));
    const auto *attribute = static_cast<const nlattr *>(mnl_nlmsg_get_payload_offset(&message, extra_header));
    while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char *>(attribute)))) {
        insert(attribute);
        attribute = mnl_attr_next(attribute);
    }
}

NetlinkAttributes::NetlinkAttributes(const nlattr *nest) {
    if (!nest)
        return;
    const auto *begin = static_cast<const char *>(mnl_attr_get_payload(nest));
    const auto *end = begin + mnl_attr_get_payload_len(nest);
    const auto *attribute = reinterpret_cast<const nlattr *>(begin);
    while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char *>(attribute)))) {
        insert(attribute);
        attribute = mnl_attr_next(attribute);
    }
}

const nlattr *NetlinkAttributes::get(std::uint16_t attribute) const {
    return attribute < table_.size() ? table_[attribute] : nullptr;
}

std::uint32_t NetlinkAttributes::u32(std::uint16_t attribute, std::uint32_t fallback) const {
    const auto *found = get(attribute);
    return found && mnl_attr_get_payload_len(found) >= 4 ? mnl_attr_get_u32(found) : fallback;
}

std::string NetlinkAttributes::text(std::uint16_t attribute) const {
    const auto *found = get(attribute);
    if (!found)
        return {};
    const char *start = mnl_attr_get_str(found);
    return {start, ::strnlen(start, mnl_attr_get_payload_len(found))};
}

IpAddress NetlinkAttributes::address(std::uint16_t attribute) const {
    IpAddress result;
    const auto *found = get(attribute);
    const std::size_t size = found ? mnl_attr_get_payload_len(found) : 0;
    if (size != 4 && size != 16)
        return result;
    result.family = size == 4 ? 4 : 6;
    std::memcpy(result.bytes.data(), mnl_attr_get_payload(found), size);
    return result;
}

MacAddress NetlinkAttributes::mac(std::uint16_t attribute) const {
    MacAddress result;
    const auto *found = get(attribute);
    if (found && mnl_attr_get_payload_len(found) == result.bytes.size())
        std::memcpy(result.bytes.data(), mnl_attr_get_payload(found), result.bytes.size());
    return result;
}

} // namespace glb
