#include "lib/http/listener.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/util/address_match.h"

namespace glb {

namespace {

namespace fs = std::filesystem;

constexpr int backlog = 1024;

const sockaddr *as_sockaddr(const void *address) {
    return static_cast<const sockaddr *>(address);
}

Result<sockaddr_un> unix_address(const fs::path &path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto &text = path.native();
    if (text.empty() || text.size() >= sizeof address.sun_path)
        return fail("socket {}: the path must have 1 to {} bytes", text, sizeof address.sun_path - 1);
    std::memcpy(address.sun_path, text.c_str(), text.size());
    return address;
}

Result<Fd> stream_socket(int family) {
    Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return fail_errno(errno, "cannot open a socket");
    return fd;
}

/// Success if `path` is available: absent, or the socket file of a dead process.
Status check_unclaimed(const fs::path &path, const sockaddr_un &address) {
    struct stat file {};
    if (::lstat(path.c_str(), &file) != 0)
        return errno == ENOENT ? Status{} : fail_errno(errno, "cannot use the socket {}", path.native());
    if (!S_ISSOCK(file.st_mode))
        return fail_errno(EEXIST, "{} exists and is no socket; remove it or choose another run directory",
                          path.native());
    GLB_ASSIGN(const Fd probe, stream_socket(AF_UNIX));
    const bool connected = ::connect(probe.get(), as_sockaddr(&address), sizeof address) == 0;
    // EAGAIN: a process listens, and its queue is full.
    if (connected || errno == EAGAIN)
        return fail_errno(EADDRINUSE,
                          "{}: another daemon listens on it; stop it or choose another run directory",
                          path.native());
    if (errno != ECONNREFUSED)
        return fail_errno(errno, "cannot use the socket {}", path.native());
    return {};
}

/// The group exists in packaged installations; without it only the owner has access.
Status set_group(const fs::path &path, const std::string &group) {
    if (::chmod(path.c_str(), 0660) != 0)
        return fail_errno(errno, "cannot set the mode of {}", path.native());
    if (const auto *entry = ::getgrnam(group.c_str());
        entry && ::chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0 && errno != EPERM)
        return fail_errno(errno, "cannot set the group of {}", path.native());
    return {};
}

} // namespace

Result<Listener> Listener::unix_socket(const fs::path &path, const std::string &group) {
    GLB_ASSIGN(const auto address, unix_address(path));
    GLB_TRY(check_unclaimed(path, address));

    // Bound under a temporary name, and renamed when mode and group are set and it listens: unauthorised
    // clients can never connect, and a client finds either the old socket or the new one.
    auto temporary = path;
    temporary += ".new";
    GLB_ASSIGN(const auto temporary_address, unix_address(temporary));
    GLB_ASSIGN(Fd fd, stream_socket(AF_UNIX));
    ::unlink(temporary.c_str());
    if (::bind(fd.get(), as_sockaddr(&temporary_address), sizeof temporary_address) != 0)
        return fail_errno(errno, "cannot use the socket {}", path.native());
    const auto abandon = [&](tl::unexpected<Error> error) -> Result<Listener> {
        ::unlink(temporary.c_str());
        return error;
    };
    if (auto done = set_group(temporary, group); !done)
        return abandon(tl::unexpected(done.error()));
    struct stat file {};
    if (::listen(fd.get(), backlog) != 0 || ::lstat(temporary.c_str(), &file) != 0 ||
        ::rename(temporary.c_str(), path.c_str()) != 0)
        return abandon(fail_errno(errno, "cannot use the socket {}", path.native()));

    Listener listener(std::move(fd), AF_UNIX);
    listener.path_ = path;
    listener.device_ = file.st_dev;
    listener.inode_ = file.st_ino;
    return listener;
}

Result<Listener> Listener::tcp(const IpAddress &address, std::uint16_t port) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_in);
    if (address.family == 6) {
        auto *in6 = reinterpret_cast<sockaddr_in6 *>(&storage);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        std::memcpy(&in6->sin6_addr, address.bytes.data(), sizeof in6->sin6_addr);
        length = sizeof *in6;
    } else {
        auto *in4 = reinterpret_cast<sockaddr_in *>(&storage);
        in4->sin_family = AF_INET;
        in4->sin_port = htons(port);
        in4->sin_addr.s_addr = address.v4_network_order();
    }
    GLB_ASSIGN(Fd fd, stream_socket(storage.ss_family));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.family == 6)
        ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(fd.get(), as_sockaddr(&storage), length) != 0 || ::listen(fd.get(), backlog) != 0)
        return fail_errno(errno, "cannot listen on {} port {}", address.to_string(), port);
    return Listener(std::move(fd), storage.ss_family);
}

Result<Listener> Listener::tcp(std::string_view address_and_port) {
    const auto match = AddressMatch::parse(address_and_port);
    if (!match || !match->port)
        return fail("\"{}\" is neither ADDR:PORT nor [ADDR6]:PORT", address_and_port);
    return tcp(match->prefix.address, *match->port);
}

Listener &Listener::operator=(Listener &&other) noexcept {
    if (this != &other) {
        remove_file();
        fd_ = std::move(other.fd_);
        family_ = other.family_;
        path_ = std::move(other.path_);
        device_ = other.device_;
        inode_ = other.inode_;
    }
    return *this;
}

Listener::~Listener() {
    remove_file();
}

void Listener::remove_file() {
    struct stat file {};
    if (fd_ && !path_.empty() && ::lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ &&
        file.st_ino == inode_)
        ::unlink(path_.c_str());
}

std::uint16_t Listener::port() const {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (::getsockname(fd_.get(), reinterpret_cast<sockaddr *>(&storage), &length) != 0)
        return 0;
    if (storage.ss_family == AF_INET6)
        return ntohs(reinterpret_cast<const sockaddr_in6 &>(storage).sin6_port);
    return storage.ss_family == AF_INET ? ntohs(reinterpret_cast<const sockaddr_in &>(storage).sin_port)
                                        : std::uint16_t{0};
}

} // namespace glb
