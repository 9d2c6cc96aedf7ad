// Netlink: one NETLINK_ROUTE socket, its requests and its dumps.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <libmnl/libmnl.h>

#include "controller/util/address.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb {

/// A request under construction: header, family's header, attributes. Never larger than one buffer.
class NetlinkRequest {
  public:
    NetlinkRequest(std::uint16_t message_type, std::uint16_t flags);

    /// Appends the family's fixed header (rtmsg, ndmsg, …), zeroed. Call it once, before any attribute.
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

/// Called with each message of an answer. Failures of a parser are its own affair: it skips the message.
using NetlinkVisitor = std::function<void(const nlmsghdr &)>;

class Netlink {
  public:
    /// A socket in the calling thread's network namespace, in which it stays. `nonblocking` is for monitors.
    [[nodiscard]] static Result<Netlink> open(bool nonblocking = false);

    /// Sends a request that changes something and waits for the acknowledgement. `what` begins the error's
    /// text, which ends with the kernel's own words (extended ack) where it has any.
    [[nodiscard]] Status execute(NetlinkRequest &request, const char *what);

    /// Sends a request with one answer (RTM_GETROUTE) and visits it.
    [[nodiscard]] Status ask(NetlinkRequest &request, const char *what, const NetlinkVisitor &visit);

    /// Asks for a dump. Where the kernel says that it changed meanwhile (NLM_F_DUMP_INTR), or the receive
    /// buffer overran, `restart` is called and the dump begins anew, at most 10 times.
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

/// The attributes of a message by number; absent ones are null. Valid while the message is.
class NetlinkAttributes {
  public:
    NetlinkAttributes(const nlmsghdr &message, std::size_t extra_header);
    explicit NetlinkAttributes(const nlattr *nest);

    [[nodiscard]] const nlattr *get(std::uint16_t attribute) const;
    [[nodiscard]] std::uint32_t u32(std::uint16_t attribute, std::uint32_t otherwise = 0) const;
    [[nodiscard]] std::string text(std::uint16_t attribute) const;
    /// The address in an attribute of 4 or 16 bytes; family 0 where there is none.
    [[nodiscard]] IpAddress address(std::uint16_t attribute) const;
    [[nodiscard]] MacAddress mac(std::uint16_t attribute) const;

  private:
    void remember(const nlattr *attribute);

    std::vector<const nlattr *> table_;
};

} // namespace glb
