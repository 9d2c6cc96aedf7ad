// Frames put on a wire and seen there, and downloads whose every byte is accounted for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/harness/bytes.h"
#include "tests/harness/netns.h"

namespace glb::test {

/// Sends one frame out of `dev`, by AF_PACKET. At the other end of a veth XDP sees it as it is.
void send_frame(const Namespace &ns, const std::string &dev, const Bytes &frame);

/// Sees what passes an interface, in both directions, by AF_PACKET. A tag that the kernel had taken off is
/// put back. What XDP drops, transmits or redirects at this interface is not seen: listen at its peer.
class Sniffer {
  public:
    struct Frame {
        Bytes bytes;
        bool outgoing = false;
    };
    Sniffer(const Namespace &ns, const std::string &dev);

    /// Everything seen so far, oldest first.
    [[nodiscard]] const std::vector<Frame> &frames();
    /// True once a frame has passed for which `wanted` is true.
    [[nodiscard]] bool wait_for(const std::function<bool(const Frame &)> &wanted, milliseconds timeout);

  private:
    Fd socket_;
    std::vector<Frame> frames_;
};

[[nodiscard]] std::string sha256_of(ByteView bytes); ///< lower-case hex

/// A temporary folder, removed with all that is in it.
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

/// A real nginx in a namespace that serves /file, `bytes` bytes that no compression or repetition hides.
class Nginx {
  public:
    /// `listen` as in nginx's own directive: "80", "192.0.2.1:8080", "[::]:80".
    Nginx(const Namespace &ns, const std::vector<std::string> &listen, std::size_t bytes);
    [[nodiscard]] const std::string &sha256() const { return sha256_; }

  private:
    TempFolder folder_;
    std::string sha256_;
    std::optional<Process> process_;
};

struct HttpAnswer {
    int code = 0; ///< 0: no answer; `error` says why
    std::string sha256{};
    std::size_t bytes = 0;
    std::string error{};
};
/// Fetches `url` with curl from within the namespace.
[[nodiscard]] HttpAnswer http_get(const Namespace &ns, const std::string &url,
                                  milliseconds timeout = std::chrono::seconds(20));

} // namespace glb::test
