#include "tests/netns/testbed/download.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <vector>

#include <fmt/format.h>

#include "tests/netns/testbed/sockets.h"

namespace glb::test {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto idle_timeout = 60s;
constexpr std::string_view header_end = "\r\n\r\n";

} // namespace

PacedDownload::PacedDownload(const Namespace &client, const std::string &source, std::uint16_t source_port,
                             const std::string &server, std::size_t bytes, std::size_t rate) {
    const SocketAddress to(server, 80);
    socket_ = client.call([&] {
        Fd fd = make_socket(to.family(), SOCK_STREAM);
        bind_to(fd, {source, source_port});
        const int buffer_size = 256 << 10; // small, so that the reader's pace limits the sender
        (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size);
        (void)::connect(fd.get(), to.raw(), to.length);
        return fd;
    });
    constexpr std::string_view request = "GET /file HTTP/1.0\r\n\r\n";
    if (!wait_for(socket_, POLLOUT, 10s) || ::send(socket_.get(), request.data(), request.size(),
                                                   MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
        throw std::runtime_error(fmt::format("cannot download from {}: {}", server, std::strerror(errno)));
    thread_ = std::thread([this, bytes, rate] {
        run(bytes, rate);
        ended_ = true;
    });
}

PacedDownload::~PacedDownload() {
    stop_ = true;
    if (thread_.joinable())
        thread_.join();
}

std::string PacedDownload::finish() {
    unlimited_ = true;
    thread_.join();
    return error_.empty() ? must_run({"sha256sum", body()}).substr(0, 64) : error_;
}

void PacedDownload::run(std::size_t bytes, std::size_t rate) {
    std::ofstream file(body(), std::ios::binary);
    std::vector<char> chunk(64 << 10);
    std::string header; // of the response, until it is complete
    std::size_t got = 0;
    bool in_body = false;
    auto next = Clock::now(), last = next;
    while (!stop_) {
        if (!unlimited_ && Clock::now() < next) {
            std::this_thread::sleep_for(1ms);
            continue;
        }
        (void)wait_for(socket_, POLLIN, 100ms);
        const auto count = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
        if (count == 0 && got == bytes)
            return;
        if (count == 0 || (count < 0 && errno != EAGAIN) || Clock::now() - last > idle_timeout) {
            error_ = fmt::format("download failed after {} of {} bytes: {}", got, bytes,
                                 count == 0 ? "connection closed" : std::strerror(errno));
            return;
        }
        if (count < 0)
            continue;
        std::string_view part(chunk.data(), static_cast<std::size_t>(count));
        if (!in_body) {
            header += part;
            const auto end = header.find(header_end);
            in_body = end != std::string::npos;
            part = in_body ? std::string_view(header).substr(end + header_end.size()) : std::string_view();
        }
        file.write(part.data(), static_cast<std::streamsize>(part.size()));
        got += part.size();
        last = Clock::now();
        const auto pace = got < bytes / 10 * 9 ? rate : rate / 50;
        const std::chrono::nanoseconds pause(1'000'000'000ull * static_cast<std::uint64_t>(count) / pace);
        next = std::max(next, last - 10ms) + pause; // a delayed reader does not catch up in a burst
    }
}

} // namespace glb::test
