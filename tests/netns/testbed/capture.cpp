#include "tests/netns/testbed/capture.h"

#include <algorithm>
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>

namespace glb::test {

namespace {

std::uint16_t get16(ByteView bytes, std::size_t offset) {
    return static_cast<std::uint16_t>(bytes[offset] << 8 | bytes[offset + 1]);
}

} // namespace

Capture::Capture(const Namespace &ns, const std::string &dev) {
    const auto index = ns.ifindex(dev);
    socket_ = ns.call([&] {
        Fd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_protocol = htons(ETH_P_ALL);
        address.sll_ifindex = static_cast<int>(index);
        const int buffer_size = 256 << 20;
        if (!fd || setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_size, sizeof buffer_size) != 0 ||
            bind(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
            throw std::runtime_error("cannot open a packet socket on " + dev);
        return fd;
    });
    thread_ = std::thread([this] { run(); });
}

Capture::~Capture() {
    (void)flows();
}

const std::map<InnerFlow, PacketCounts> &Capture::flows() {
    stop_ = true;
    if (thread_.joinable())
        thread_.join();
    return flows_;
}

void Capture::run() {
    std::array<std::uint8_t, 2048> buffer;
    while (true) {
        sockaddr_ll from{};
        socklen_t length = sizeof from;
        const ssize_t got = recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr *>(&from), &length);
        if (got > 0) {
            count_frame(ByteView(buffer).first(static_cast<std::size_t>(got)),
                        from.sll_pkttype == PACKET_OUTGOING);
            continue;
        }
        if (stop_) // checked when the socket is empty, so that no captured frame is left uncounted
            return;
        pollfd waiting{socket_.get(), POLLIN, 0};
        (void)poll(&waiting, 1, 20);
    }
}

void Capture::count_frame(ByteView frame, bool outgoing) {
    constexpr std::size_t udp = 14 + 20, geneve = udp + 8;
    if (frame.size() < geneve + 8 || get16(frame, 12) != ETHERTYPE_IP || frame[14] != 0x45 ||
        frame[23] != 17 || get16(frame, udp + 2) != 6081)
        return;
    packets_++;
    const std::size_t inner = geneve + 8 + (frame[geneve] & 0x3fu) * 4u;
    const bool v6 = get16(frame, geneve + 2) == ETHERTYPE_IPV6;
    const std::size_t head = v6 ? 40 : 20, size = v6 ? 16 : 4, source = inner + (v6 ? 8 : 12);
    if (frame.size() < inner + head + 4)
        return;
    InnerFlow flow{.ip_proto = frame[inner + (v6 ? 6 : 9)]};
    const auto address = frame.begin() + static_cast<std::ptrdiff_t>(source);
    std::copy_n(address, size, flow.a.begin());
    std::copy_n(address + static_cast<std::ptrdiff_t>(size), size, flow.b.begin());
    if (flow.ip_proto == IPPROTO_TCP || flow.ip_proto == IPPROTO_UDP) {
        const auto ports = frame.begin() + static_cast<std::ptrdiff_t>(inner + head);
        std::copy_n(ports, 2, flow.a.begin() + 16);
        std::copy_n(ports + 2, 2, flow.b.begin() + 16);
    }
    const bool from_b = flow.b < flow.a;
    if (from_b)
        std::swap(flow.a, flow.b);
    auto &counts = flows_[flow];
    (outgoing ? counts.from_appliance : counts.to_appliance)[from_b ? 1 : 0]++;
}

} // namespace glb::test
