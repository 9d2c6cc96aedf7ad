#include "tests/netns/health/paced_flows.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace glb::test {

PacedFlows::PacedFlows(const Namespace &from, const std::string &destination, std::uint16_t port,
                       std::size_t count, std::chrono::milliseconds pause) {
    const SocketAddress to(destination, port);
    from.call([&] {
        for (std::size_t i = 0; i < count; ++i) {
            auto socket = make_socket(to.family(), SOCK_DGRAM);
            const int no = 0; // else the kernel may give two of them one port, and one of those hears nothing
            (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &no, sizeof no);
            if (::connect(socket.get(), to.raw(), to.length) != 0)
                throw std::runtime_error("connect");
            flows_.push_back({std::move(socket), Clock::now() + pause * i / count, Clock::now(), {}});
        }
    });
    thread_ = std::thread([this, pause] { run(pause); });
}

PacedFlows::~PacedFlows() {
    stop_ = true;
    if (thread_.joinable())
        thread_.join();
}

void PacedFlows::run(std::chrono::milliseconds pause) {
    while (!stop_) {
        const auto now = Clock::now();
        for (auto &flow : flows_) {
            if (now >= flow.next) {
                flow.next += pause;
                const bool sent = ::send(flow.socket.get(), "paced", 5, 0) == 5;
                flow.error = sent ? 0 : errno;
                sent_ += sent;
            }
            take_answers(flow, now);
        }
        served_ = static_cast<std::size_t>(std::count_if(flows_.begin(), flows_.end(), [&](const Flow &flow) {
            return now - flow.answered < std::chrono::milliseconds(50);
        }));
        std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
}

void PacedFlows::take_answers(Flow &flow, Clock::time_point now) {
    std::array<char, 64> bytes;
    bool any = false;
    for (; ::recv(flow.socket.get(), bytes.data(), bytes.size(), 0) > 0; any = true)
        ++answered_;
    if (watching_)
        flow.longest = std::max(flow.longest, now - flow.answered);
    if (any)
        flow.answered = now;
}

// Read while the thread writes: a report of a failure, in which a torn time does no harm.
std::string PacedFlows::unserved() const {
    std::string text;
    for (const auto &flow : flows_) {
        sockaddr_in own{};
        socklen_t length = sizeof own;
        (void)::getsockname(flow.socket.get(), reinterpret_cast<sockaddr *>(&own), &length);
        if (Clock::now() - flow.answered > std::chrono::milliseconds(100))
            text += "port " + std::to_string(ntohs(own.sin_port)) + ", send: " + std::to_string(flow.error) +
                    '\n';
    }
    return text;
}

std::chrono::microseconds PacedFlows::finish() {
    stop_ = true;
    thread_.join();
    Clock::duration longest{};
    for (const auto &flow : flows_)
        longest = std::max(longest, flow.longest);
    return std::chrono::duration_cast<std::chrono::microseconds>(longest);
}

} // namespace glb::test
