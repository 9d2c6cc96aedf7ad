#include "tests/netns/upgrade/load.h"

#include <array>
#include <poll.h>
#include <stdexcept>

#include <fmt/format.h>

#include "tests/netns/testbed/sockets.h"

namespace glb::test {

namespace {

using namespace std::chrono_literals;

constexpr unsigned streams = 10, rate = 1000; // datagrams a second per stream

/// The byte at an offset of the stream, derived from the number of its 64-bit word.
char byte_at(std::uint64_t offset) {
    const auto word = (offset / 8 + 1) * 0x9e3779b97f4a7c15ull;
    return static_cast<char>(word >> offset % 8 * 8);
}

} // namespace

VerifiedStream::VerifiedStream(const Namespace &client, const Namespace &server, std::uint16_t port) {
    listener_ = server.call([&] { return make_server_socket(SOCK_STREAM, port); });
    receiver_ = client.call([&] {
        const SocketAddress to(TwoArm::server_address, port);
        Fd fd = make_socket(to.family(), SOCK_STREAM);
        (void)::connect(fd.get(), to.raw(), to.length);
        return fd;
    });
    sending_ = std::thread([this] { send_all(); });
    receiving_ = std::thread([this] { receive_all(); });
}

VerifiedStream::~VerifiedStream() {
    stop_ = true;
    sending_.join();
    receiving_.join();
}

void VerifiedStream::send_all() {
    while (!stop_ && !sender_)
        if (wait_for(listener_, POLLIN, 100ms))
            sender_ = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    std::array<char, 16384> chunk;
    for (std::uint64_t at = 0; !stop_;) {
        for (std::size_t i = 0; i < chunk.size(); ++i)
            chunk[i] = byte_at(at + i);
        const auto sent = ::send(sender_.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
        if (sent > 0)
            at += static_cast<std::uint64_t>(sent);
        else if (errno != EAGAIN)
            return;
        std::this_thread::sleep_for(2ms); // no queue may overflow, since lost datagrams are counted
    }
}

void VerifiedStream::receive_all() {
    std::array<char, 65536> chunk;
    while (!stop_) {
        if (!wait_for(receiver_, POLLIN, 100ms))
            continue;
        const auto got = ::recv(receiver_.get(), chunk.data(), chunk.size(), 0);
        if (got <= 0) {
            broken_ = broken_ || stop_ == false;
            return;
        }
        for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i)
            if (chunk[i] != byte_at(received_ + i))
                broken_ = true;
        received_ += static_cast<std::uint64_t>(got);
    }
}

Load::Load(const TwoArm &testbed)
    : echo(testbed.server, 7000), udp(testbed.server, 7001), flows(testbed.client),
      download(testbed.client, testbed.server, 7002) {
    for (unsigned i = 0; i < streams; ++i)
        streams_.push_back(std::make_unique<UdpStream>(
            testbed.client, i % 2 ? TwoArm::server_address6 : TwoArm::server_address, 7001, rate));
}

void Load::begin() {
    const auto open = flows.open(random_flows(tcp_flows, 7000));
    const auto echoed = flows.exchange();
    unsigned echoing = 0;
    const bool flowing = eventually(30s, [&] {
        echoing = 0;
        for (const auto &stream : streams_)
            echoing += stream->echoed() > 100;
        return echoing == streams && download.received() > 100000;
    });
    if (open != tcp_flows || echoed != tcp_flows || !flowing)
        throw std::runtime_error(
            fmt::format("traffic does not pass: {} of {} TCP flows open, {} echoed, {} of {} "
                        "UDP streams echoed, {} bytes downloaded",
                        open, tcp_flows, echoed, echoing, streams, download.received()));
}

std::uint64_t Load::sent() const {
    std::uint64_t sum = 0;
    for (const auto &stream : streams_)
        sum += stream->sent();
    return sum;
}

void Load::wait_for(std::uint64_t datagrams) const {
    const auto before = sent();
    if (!eventually(60s, [&] { return sent() - before >= datagrams; }))
        throw std::runtime_error("the UDP streams have stopped sending");
}

LoadTally Load::finish() {
    LoadTally sum;
    for (const auto &stream : streams_) {
        const auto tally = stream->finish();
        sum.sent += tally.sent;
        sum.lost += tally.lost();
        sum.duplicate += tally.duplicate;
    }
    return sum;
}

std::map<std::string, std::string> targets_of(const json &flows) {
    std::map<std::string, std::string> targets;
    for (const auto &flow : flows)
        targets[flow.at("source")] =
            flow.at("target").get<std::string>() + " " + flow.at("state").get<std::string>();
    return targets;
}

} // namespace glb::test
