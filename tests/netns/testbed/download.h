// A download that ends when a test wants it to.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "tests/harness/netns.h"
#include "tests/harness/traffic.h"

namespace glb::test {

/// Fetches `bytes` of /file over HTTP, `rate` of them a second; and a fiftieth of that for the last tenth,
/// until finish(). So it is under way as long as a test needs it, on a slow machine too, and then takes no
/// more time.
class HeldDownload {
  public:
    /// From `source`:`source_port` of `client`, from port 80 of `server`. Throws std::runtime_error.
    HeldDownload(const Namespace &client, const std::string &source, std::uint16_t source_port,
                 const std::string &server, std::size_t bytes, std::size_t rate);
    ~HeldDownload();
    HeldDownload(const HeldDownload &) = delete;
    HeldDownload &operator=(const HeldDownload &) = delete;

    [[nodiscard]] bool running() const { return !ended_; }
    /// Takes the rest as fast as it comes. The SHA-256 of the file, or what went wrong.
    std::string finish();

  private:
    void run(std::size_t bytes, std::size_t rate);
    [[nodiscard]] std::string body() const { return (folder_.path() / "body").string(); }

    TempFolder folder_;
    Fd socket_;
    std::atomic<bool> at_once_{false}, stop_{false}, ended_{false};
    std::string error_; ///< the thread's until it has ended
    std::thread thread_;
};

} // namespace glb::test
