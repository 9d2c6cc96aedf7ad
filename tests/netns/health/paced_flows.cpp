#include "tests/netns/health/paced_flows.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace glb::test {

PacedFlows::PacedFlows(const Namespace &from, const std::string &destination, std::uint16_t port,
                       std::size_t count, std::chrono::milliseconds interval) {
    const SocketAddress to(destination, port);
    from.call([&] {
        for (std::size_t i = 0; i < count; ++i) {
            auto socket = make_socket(to.family(), SOCK_DGRAM);
            // With SO_REUSEADDR the kernel may choose one port for two sockets, one of which then receives
            // nothing.
            const int off = 0;
            (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &off, sizeof off);
            if (::connect(socket.get(), to.raw(), to.length) != 0)
                throw std::runtime_error("connect");
            flows_.push_back({std::move(socket), Clock::now() + interval * i / count, Clock::now(), {}});
        }
    });
    thread_ = std::thread([this, interval] { run(interval); });
}

PacedFlows::~PacedFlows() {
    stop_ = true;
    if (thread_.joinable())
        thread_.join();
}

void PacedFlows::run(std::chrono::milliseconds interval) {
    while (!stop_) {
        const auto now = Clock::now();
        for (auto &flow : flows_) {
            send_due(flow, now, interval);
            const bool received = receive(flow);
            if (measuring_)
                flow.longest = std::max(flow.longest, now - flow.last_reply);
            if (received)
                flow.last_reply = now;
        }
        served_ = static_cast<std::size_t>(std::count_if(flows_.begin(), flows_.end(), [&](const Flow &flow) {
            return now - flow.last_reply < std::chrono::milliseconds(50);
        }));
        std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
}

void PacedFlows::send_due(Flow &flow, Clock::time_point now, std::chrono::milliseconds interval) {
    if (now < flow.next)
        return;
    if (measuring_)
        sender_delay_ = std::max(sender_delay_, now - flow.next);
    flow.next += interval;
    const bool sent = ::send(flow.socket.get(), "paced", 5, 0) == 5;
    flow.error = sent ? 0 : errno;
    sent_ += sent;
}

bool PacedFlows::receive(Flow &flow) {
    std::array<char, 64> bytes;
    bool any = false;
    for (; ::recv(flow.socket.get(), bytes.data(), bytes.size(), 0) > 0; any = true)
        ++replied_;
    return any;
}

// Replies in flight must not be counted as lost.
void PacedFlows::drain() {
    auto last = Clock::now();
    while (replied_ < sent_ && Clock::now() - last < std::chrono::milliseconds(200)) {
        for (auto &flow : flows_)
            if (receive(flow))
                last = flow.last_reply = Clock::now();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

// Reads while the thread writes: acceptable in a failure report.
std::string PacedFlows::describe_unserved() const {
    std::string text;
    for (const auto &flow : flows_) {
        sockaddr_in local{};
        socklen_t length = sizeof local;
        (void)::getsockname(flow.socket.get(), reinterpret_cast<sockaddr *>(&local), &length);
        if (Clock::now() - flow.last_reply > std::chrono::milliseconds(100))
            text += "port " + std::to_string(ntohs(local.sin_port)) +
                    ", send: " + std::to_string(flow.error) + '\n';
    }
    return text;
}

PacedFlows::Gaps PacedFlows::finish() {
    stop_ = true;
    thread_.join();
    drain();
    Clock::duration longest{};
    for (const auto &flow : flows_)
        longest = std::max(longest, flow.longest);
    return {std::chrono::duration_cast<std::chrono::microseconds>(longest),
            std::chrono::duration_cast<std::chrono::microseconds>(sender_delay_)};
}

std::size_t PacedFlows::replied_after(Clock::time_point time) const {
    return static_cast<std::size_t>(std::count_if(flows_.begin(), flows_.end(),
                                                  [&](const Flow &flow) { return flow.last_reply > time; }));
}

} // namespace glb::test
