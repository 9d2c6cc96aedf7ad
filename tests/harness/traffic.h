// Frames sent and captured on interfaces, and downloads that are verified byte by byte.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/harness/bytes.h"
#include "tests/harness/netns.h"

namespace glb::test {

/// Sends one frame on `dev` by AF_PACKET. XDP at the peer of a veth receives it unchanged.
void send_frame(const Namespace &ns, const std::string &dev, const Bytes &frame);

/// Captures the frames of an interface in both directions by AF_PACKET. A VLAN tag that the kernel removed is
/// restored. Frames that XDP drops, transmits or redirects at this interface are not captured: use its peer.
class Sniffer {
  public:
    struct Frame {
        Bytes bytes;
        bool outgoing = false;
    };
    Sniffer(const Namespace &ns, const std::string &dev);

    /// All frames captured so far, oldest first.
    [[nodiscard]] const std::vector<Frame> &frames();
    /// True once a captured frame satisfies `wanted`.
    [[nodiscard]] bool wait_for(const std::function<bool(const Frame &)> &wanted, milliseconds timeout);

  private:
    Fd socket_;
    std::vector<Frame> frames_;
};

[[nodiscard]] std::string sha256_of(ByteView bytes); ///< lower-case hex

/// A temporary folder. The destructor removes it with its contents.
class TempFolder {
  public:
    TempFolder();
    ~TempFolder();
    TempFolder(const TempFolder &) = delete;
    TempFolder &operator=(const TempFolder &) = delete;
    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// nginx in a namespace that serves /file: `bytes` incompressible bytes without repetition.
class Nginx {
  public:
    /// `listen` as in nginx's directive: "80", "192.0.2.1:8080", "[::]:80".
    Nginx(const Namespace &ns, const std::vector<std::string> &listen, std::size_t bytes);
    [[nodiscard]] const std::string &sha256() const { return sha256_; }

  private:
    TempFolder folder_;
    std::string sha256_;
    std::optional<Process> process_;
};

struct HttpResponse {
    int code = 0; ///< HTTP status; 0: no response, see `error`
    std::string sha256{};
    std::size_t bytes = 0;
    std::string error{};
};
/// Fetches `url` with curl in the namespace.
[[nodiscard]] HttpResponse http_get(const Namespace &ns, const std::string &url,
                                    milliseconds timeout = std::chrono::seconds(20));

} // namespace glb::test
