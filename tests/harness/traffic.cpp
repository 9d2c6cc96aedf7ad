#include "tests/harness/traffic.h"

#include <arpa/inet.h>
#include <cstring>
#include <fstream>
#include <iterator>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <random>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace glb::test {

namespace {

// A packet socket of `dev`. With `protocol` 0 it receives nothing.
Fd packet_socket(const Namespace &ns, const std::string &dev, std::uint16_t protocol) {
    const auto index = ns.ifindex(dev);
    return ns.call([&] {
        // Protocol 0 until bind(): otherwise frames of other interfaces would be received before it.
        Fd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_protocol = htons(protocol);
        address.sll_ifindex = static_cast<int>(index);
        const int on = 1;
        const int buffer_size = 16 << 20;
        if (!fd || setsockopt(fd.get(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) != 0 ||
            setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_size, sizeof buffer_size) != 0 ||
            bind(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) != 0)
            throw std::runtime_error(fmt::format("packet socket on {}: {}", dev, std::strerror(errno)));
        return fd;
    });
}

// The kernel stores the outermost tag outside the frame. Afterwards `bytes` is the frame as it was on the
// wire.
void restore_tag(Bytes &bytes, msghdr &message) {
    for (cmsghdr *part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA)
            continue;
        tpacket_auxdata aux{};
        std::memcpy(&aux, CMSG_DATA(part), sizeof aux);
        if (!(aux.tp_status & TP_STATUS_VLAN_VALID) || bytes.size() < 12)
            continue;
        Bytes tag;
        put16(tag, aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : std::uint16_t{0x8100});
        put16(tag, aux.tp_vlan_tci);
        bytes.insert(bytes.begin() + 12, tag.begin(), tag.end());
    }
}

} // namespace

void send_frame(const Namespace &ns, const std::string &dev, const Bytes &frame) {
    const Fd fd = packet_socket(ns, dev, 0);
    if (send(fd.get(), frame.data(), frame.size(), 0) != static_cast<ssize_t>(frame.size()))
        throw std::runtime_error(fmt::format("send on {}: {}", dev, std::strerror(errno)));
}

Sniffer::Sniffer(const Namespace &ns, const std::string &dev) : socket_(packet_socket(ns, dev, ETH_P_ALL)) {}

const std::vector<Sniffer::Frame> &Sniffer::frames() {
    Bytes buffer(1 << 17);
    alignas(cmsghdr) char control[256];
    while (true) {
        sockaddr_ll from{};
        iovec part{buffer.data(), buffer.size()};
        msghdr message{};
        message.msg_name = &from;
        message.msg_namelen = sizeof from;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t got = recvmsg(socket_.get(), &message, 0);
        if (got < 0)
            return frames_;
        Frame frame{Bytes(buffer.begin(), buffer.begin() + got), from.sll_pkttype == PACKET_OUTGOING};
        restore_tag(frame.bytes, message);
        frames_.push_back(std::move(frame));
    }
}

bool Sniffer::wait_for(const std::function<bool(const Frame &)> &wanted, milliseconds timeout) {
    std::size_t examined = 0;
    return eventually(timeout, [&] {
        const auto &all = frames();
        while (examined < all.size())
            if (wanted(all[examined++]))
                return true;
        return false;
    });
}

std::string sha256_of(ByteView bytes) {
    Bytes digest(EVP_MAX_MD_SIZE);
    unsigned length = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("SHA-256 failed");
    digest.resize(length);
    return to_hex(digest);
}

TempFolder::TempFolder() {
    auto text = (std::filesystem::temp_directory_path() / fmt::format("glbt-{}-XXXXXX", getpid())).string();
    if (mkdtemp(text.data()) == nullptr)
        throw std::runtime_error(fmt::format("{}: {}", text, std::strerror(errno)));
    path_ = text;
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Nginx::Nginx(const Namespace &ns, const std::vector<std::string> &listen, std::size_t bytes) {
    std::mt19937_64 random(bytes);
    Bytes content;
    content.reserve(bytes + 8);
    while (content.size() < bytes)
        put64(content, random());
    content.resize(bytes);
    sha256_ = sha256_of(content);
    const auto folder = folder_.path();
    std::ofstream(folder / "file", std::ios::binary)
        .write(reinterpret_cast<const char *>(content.data()), static_cast<std::streamsize>(bytes));

    std::string directives;
    for (const auto &where : listen)
        directives += fmt::format("    listen {};\n", where);
    std::ofstream(folder / "nginx.conf") << fmt::format(
        "daemon off;\nmaster_process off;\nuser root;\npid {0}/pid;\nerror_log stderr notice;\n"
        "events {{ worker_connections 4096; }}\n"
        "http {{\n  access_log off;\n  client_body_temp_path {0}/body;\n  proxy_temp_path {0}/proxy;\n"
        "  fastcgi_temp_path {0}/fastcgi;\n  uwsgi_temp_path {0}/uwsgi;\n  scgi_temp_path {0}/scgi;\n"
        "  server {{\n    root {0};\n{1}  }}\n}}\n",
        folder.string(), directives);
    process_.emplace(ns.start({"nginx", "-c", (folder / "nginx.conf").string(), "-p", folder.string()}));
    // nginx logs this line after its sockets listen.
    if (!process_->wait_for_output("start worker|OS: Linux", std::chrono::seconds(10)))
        throw std::runtime_error("nginx did not start: " + process_->output());
}

HttpResponse http_get(const Namespace &ns, const std::string &url, milliseconds timeout) {
    const TempFolder folder;
    const auto body = folder.path() / "body";
    const auto result =
        ns.run({"curl", "--silent", "--show-error", "--globoff", "--noproxy", "*", "--max-time",
                fmt::format("{:.3f}", static_cast<double>(timeout.count()) / 1000), "--output", body.string(),
                "--write-out", "%{http_code}", url},
               timeout + std::chrono::seconds(5));
    if (result.code != 0)
        return {.error = fmt::format("curl exit {}: {}", result.code, result.output)};
    std::ifstream file(body, std::ios::binary);
    const Bytes content{std::istreambuf_iterator<char>(file), {}};
    return {.code = std::stoi(result.output), .sha256 = sha256_of(content), .bytes = content.size()};
}

} // namespace glb::test
