#include "tests/netns/testbed/flows.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>

#include <fmt/format.h>

#include "tests/netns/testbed/sockets.h"

namespace glb::test {

namespace {

using Clock = std::chrono::steady_clock;

// A larger burst may overrun a veth's ring of 256 frames.
constexpr std::size_t batch_size = 128;

int milliseconds_until(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::max<long long>(left, 0));
}

Fd start_connection(const FlowTuple &tuple) {
    const SocketAddress destination(tuple.destination, tuple.destination_port);
    Fd fd = make_socket(destination.family(), SOCK_STREAM);
    if (!tuple.source.empty())
        bind_to(fd, {tuple.source, tuple.source_port});
    if (connect(fd.get(), destination.raw(), destination.length) != 0 && errno != EINPROGRESS)
        throw std::runtime_error(fmt::format("connect to {}: {}", tuple.destination, std::strerror(errno)));
    return fd;
}

// Polls until `done` has returned true for each descriptor of `waiting`.
template <typename Done>
void wait_for_all(std::vector<pollfd> waiting, Clock::time_point deadline, Done done) {
    std::size_t open = waiting.size();
    while (open > 0) {
        if (poll(waiting.data(), waiting.size(), milliseconds_until(deadline)) <= 0)
            return;
        for (auto &one : waiting) {
            if (one.fd >= 0 && one.revents != 0 && done(one.fd)) {
                one.fd = -1; // ignored by poll()
                open--;
            }
        }
    }
}

} // namespace

TcpFlows::TcpFlows(const Namespace &from) : from_(from) {
    raise_descriptor_limit();
}

std::size_t TcpFlows::open(const std::vector<FlowTuple> &tuples, milliseconds timeout) {
    return from_.call([&] {
        const auto deadline = Clock::now() + timeout;
        std::size_t connected = 0;
        for (std::size_t first = 0; first < tuples.size(); first += batch_size)
            connected += connect_batch(tuples, first, std::min(first + batch_size, tuples.size()), deadline);
        return connected;
    });
}

std::size_t TcpFlows::connect_batch(const std::vector<FlowTuple> &tuples, std::size_t first, std::size_t last,
                                    Clock::time_point deadline) {
    std::vector<pollfd> waiting;
    for (std::size_t i = first; i < last; i++) {
        sockets_.push_back(start_connection(tuples[i]));
        waiting.push_back({sockets_.back().get(), POLLOUT, 0});
    }
    std::size_t connected = 0;
    wait_for_all(std::move(waiting), deadline, [&](int fd) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
        connected += error == 0;
        return true;
    });
    return connected;
}

std::size_t TcpFlows::exchange(milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    round_++;
    std::size_t echoed = 0;
    for (std::size_t first = 0; first < sockets_.size(); first += batch_size)
        echoed += exchange_batch(first, std::min(first + batch_size, sockets_.size()), deadline);
    return echoed;
}

std::size_t TcpFlows::exchange_batch(std::size_t first, std::size_t last, Clock::time_point deadline) {
    std::vector<pollfd> waiting;
    std::map<int, std::string> expected;
    for (std::size_t i = first; i < last; i++) {
        const auto line = fmt::format("flow {} round {}\n", i, round_);
        const int fd = sockets_[i].get();
        if (send(fd, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
            continue;
        expected[fd] = line;
        waiting.push_back({fd, POLLIN, 0});
    }
    std::size_t echoed = 0;
    wait_for_all(std::move(waiting), deadline, [&](int fd) {
        std::array<char, 256> buffer;
        const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
        if (got <= 0)
            return true;
        auto &rest = expected[fd];
        const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
        if (!rest.starts_with(text))
            return true;
        rest.erase(0, text.size());
        echoed += rest.empty();
        return rest.empty();
    });
    return echoed;
}

void TcpFlows::close(bool reset) {
    const linger abort_connection{.l_onoff = 1, .l_linger = 0};
    if (reset)
        for (const auto &fd : sockets_)
            setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &abort_connection, sizeof abort_connection);
    sockets_.clear();
}

bool tcp_works(const Namespace &from, const std::string &destination, std::uint16_t port,
               milliseconds timeout) {
    TcpFlows flow(from);
    return flow.open({{.source = {}, .destination = destination, .destination_port = port}}, timeout) == 1 &&
           flow.exchange(timeout) == 1;
}

UdpStream::UdpStream(const Namespace &from, const std::string &destination, std::uint16_t port,
                     unsigned packets_per_second, std::size_t bytes) {
    socket_ = from.call([&] {
        const SocketAddress to(destination, port);
        Fd fd = make_socket(to.family(), SOCK_DGRAM);
        if (connect(fd.get(), to.raw(), to.length) != 0)
            throw std::runtime_error("connect to " + destination);
        const int buffer_size = 8 << 20;
        (void)setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_size, sizeof buffer_size);
        return fd;
    });
    const std::chrono::nanoseconds pause(1'000'000'000 / packets_per_second);
    thread_ = std::thread([this, pause, bytes] { run(pause, bytes); });
}

UdpStream::~UdpStream() {
    (void)finish();
}

UdpStream::Tally UdpStream::finish() {
    stop_ = true;
    if (thread_.joinable())
        thread_.join();
    return {.sent = sent_, .echoed = echoed_, .duplicate = duplicate_};
}

std::uint64_t UdpStream::lost_between(std::uint64_t first, std::uint64_t last) const {
    const auto at = [&](std::uint64_t number) {
        return received_.begin() +
               static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(number, received_.size()));
    };
    return static_cast<std::uint64_t>(std::count(at(first), at(last), false));
}

void UdpStream::run(std::chrono::nanoseconds pause, std::size_t bytes) {
    std::vector<char> datagram(std::max(bytes, sizeof(std::uint64_t)), 'u');
    for (auto next = Clock::now(); !stop_; next += pause) {
        std::this_thread::sleep_until(next);
        // A delayed sender does not catch up: a burst would overrun a veth's ring of 256 frames.
        next = std::max(next, Clock::now() - std::chrono::milliseconds(2));
        const std::uint64_t number = sent_;
        std::memcpy(datagram.data(), &number, sizeof number);
        received_.push_back(false);
        if (send(socket_.get(), datagram.data(), datagram.size(), 0) > 0)
            sent_++;
        else
            received_.pop_back(); // reports a pending ICMP error; this datagram was not sent
        while (receive()) {
        }
    }
    auto quiet_since = Clock::now();
    while (echoed_ < sent_ && Clock::now() - quiet_since < std::chrono::seconds(1)) {
        pollfd waiting{socket_.get(), POLLIN, 0};
        if (poll(&waiting, 1, 100) > 0 && receive())
            quiet_since = Clock::now();
    }
}

bool UdpStream::receive() {
    std::array<char, 2048> buffer;
    const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    std::uint64_t number = 0;
    if (got < static_cast<ssize_t>(sizeof number))
        return false;
    std::memcpy(&number, buffer.data(), sizeof number);
    if (number >= received_.size() || received_[number])
        duplicate_++;
    else
        echoed_++;
    if (number < received_.size())
        received_[number] = true;
    return true;
}

} // namespace glb::test
