// Netlink: a NETLINK_ROUTE socket, requests and dumps.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <libmnl/libmnl.h>

#include "controller/util/address.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb {

/// A request being built: netlink header, family header, attributes. Fits into one fixed-size buffer.
class NetlinkRequest {
  public:
    NetlinkRequest(std::uint16_t message_type, std::uint16_t flags);

    /// Appends the family header (rtmsg, ndmsg, …), zeroed. Call once, before any attribute.
    template <typename T>
    T &extra() {
        return *static_cast<T *>(mnl_nlmsg_put_extra_header(header(), sizeof(T)));
    }
    void put(std::uint16_t attribute, std::uint32_t value);
    void put8(std::uint16_t attribute, std::uint8_t value);
    void put(std::uint16_t attribute, const IpAddress &address);
    void put(std::uint16_t attribute, const std::string &text);

    [[nodiscard]] nlmsghdr *header();

  private:
    std::vector<char> buffer_;
};

/// Called for each message of a response. A visitor that cannot parse a message skips it.
using NetlinkVisitor = std::function<void(const nlmsghdr &)>;

class Netlink {
  public:
    /// Opens a socket bound to the calling thread's network namespace. The default protocol is NETLINK_ROUTE.
    [[nodiscard]] static Result<Netlink> open(int protocol = 0);

    /// Opens a nonblocking socket that receives the notifications of these groups.
    [[nodiscard]] static Result<Netlink> subscribe(int protocol, std::span<const int> groups);

    /// Sends a modifying request and waits for the acknowledgement. `what` is the beginning of the error
    /// text; the kernel's extended ack message is appended if there is one.
    [[nodiscard]] Status execute(NetlinkRequest &request, const char *what);

    /// Sends a request that has one response (RTM_GETROUTE) and visits it.
    [[nodiscard]] Status query(NetlinkRequest &request, const char *what, const NetlinkVisitor &visit);

    /// Requests a dump. If it was inconsistent (NLM_F_DUMP_INTR) or the receive buffer overran, `restart`
    /// is called and the dump is repeated, at most 10 times.
    [[nodiscard]] Status dump(NetlinkRequest &request, const char *what, const std::function<void()> &restart,
                              const NetlinkVisitor &visit);

    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    explicit Netlink(Fd fd) : fd_(std::move(fd)) {}
    [[nodiscard]] Status send(NetlinkRequest &request, const char *what);
    [[nodiscard]] Status receive(const char *what, bool dump, bool &interrupted, const NetlinkVisitor &visit);

    Fd fd_;
    std::uint32_t sequence_ = 0;
};

/// The attributes of a message by type; null if absent. Points into the message.
class NetlinkAttributes {
  public:
    NetlinkAttributes(const nlmsghdr &message, std::size_t extra_header);
    explicit NetlinkAttributes(const nlattr *nest);

    [[nodiscard]] const nlattr *get(std::uint16_t attribute) const;
    [[nodiscard]] std::uint32_t u32(std::uint16_t attribute, std::uint32_t fallback = 0) const;
    [[nodiscard]] std::string text(std::uint16_t attribute) const;
    /// The address in an attribute of 4 or 16 bytes; family 0 if absent.
    [[nodiscard]] IpAddress address(std::uint16_t attribute) const;
    [[nodiscard]] MacAddress mac(std::uint16_t attribute) const;

  private:
    void insert(const nlattr *attribute);

    std::vector<const nlattr *> table_;
};

} // namespace glb
