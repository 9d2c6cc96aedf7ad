#include "controller/util/nonblocking_writer.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace glb {

namespace {

constexpr int poll_milliseconds = 50;

/// A new open file description of the same pipe or terminal; empty if it cannot be opened again.
Fd reopen(int fd) {
    const auto path = "/proc/self/fd/" + std::to_string(fd);
    return Fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

} // namespace

NonblockingWriter::NonblockingWriter(int fd) : fd_(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) {
    struct stat info {};
    if (!fd_ || ::fstat(fd_.get(), &info) != 0)
        return;
    if (S_ISSOCK(info.st_mode)) {
        kind_ = Kind::socket;
        return;
    }
    // Regular files are not reopened: a second description would have an offset of its own and overwrite what
    // others write through the first.
    if (S_ISFIFO(info.st_mode) || ::isatty(fd_.get())) {
        if (auto own = reopen(fd_.get())) {
            fd_ = std::move(own);
            kind_ = Kind::nonblocking;
        }
    }
}

ssize_t NonblockingWriter::write_some(std::string_view data) {
    switch (kind_) {
    case Kind::socket:
        return ::send(fd_.get(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::nonblocking:
        return ::write(fd_.get(), data.data(), data.size());
    case Kind::other:
        break;
    }
    // A pipe that poll() reports as writable accepts PIPE_BUF bytes without blocking.
    pollfd ready{fd_.get(), POLLOUT, 0};
    if (::poll(&ready, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return ::write(fd_.get(), data.data(), std::min<std::size_t>(data.size(), PIPE_BUF));
}

std::size_t NonblockingWriter::write(std::string_view data, const std::atomic<bool> &cancelled,
                                     Clock::time_point deadline) {
    std::size_t done = 0;
    while (fd_ && done < data.size() && !cancelled) {
        const auto written = write_some(data.substr(done));
        if (written >= 0) {
            done += static_cast<std::size_t>(written);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (Clock::now() >= deadline)
                break;
            pollfd ready{fd_.get(), POLLOUT, 0};
            (void)::poll(&ready, 1, poll_milliseconds);
        } else if (errno != EINTR) {
            break;
        }
    }
    return done;
}

} // namespace glb
