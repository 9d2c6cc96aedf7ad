#include "tests/netns/testbed/frames.h"

#include <cstring>
#include <linux/if_packet.h>
#include <stdexcept>
#include <sys/socket.h>

#include <fmt/format.h>

namespace glb::test {

Mac mac_of(const Namespace &ns, const std::string &dev) {
    const auto text = ns.must({"ip", "-o", "link", "show", dev});
    const std::string label = "link/ether ";
    return text.substr(text.find(label) + label.size(), 17);
}

void send_frames(const Namespace &ns, const std::string &dev, const std::vector<Bytes> &frames) {
    const auto index = ns.ifindex(dev);
    const Fd socket = ns.call([&] {
        // Protocol 0: the socket receives nothing.
        Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_ifindex = static_cast<int>(index);
        if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
            throw std::runtime_error("cannot open a packet socket on " + dev);
        return fd;
    });
    for (std::size_t i = 0; i < frames.size(); i++) {
        // ENOBUFS: the ring is full; retried until there is space.
        const bool sent = eventually(std::chrono::seconds(5), [&] {
            return send(socket.get(), frames[i].data(), frames[i].size(), 0) >= 0;
        });
        if (!sent)
            throw std::runtime_error(fmt::format("frame {} on {}: {}", i, dev, std::strerror(errno)));
        if (i % 64 == 63)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

} // namespace glb::test
