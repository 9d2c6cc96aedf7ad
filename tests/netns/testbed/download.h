// A download that stays in progress until the test finishes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "tests/harness/netns.h"
#include "tests/harness/traffic.h"

namespace glb::test {

/// Fetches /file (`bytes` long) over HTTP at `rate` bytes a second, and at a fiftieth of it for the last
/// tenth. It therefore stays in progress for as long as the test runs, also on a slow machine; finish()
/// removes the limit.
class PacedDownload {
  public:
    /// From `source`:`source_port` of `client`, from port 80 of `server`. Throws std::runtime_error.
    PacedDownload(const Namespace &client, const std::string &source, std::uint16_t source_port,
                  const std::string &server, std::size_t bytes, std::size_t rate);
    ~PacedDownload();
    PacedDownload(const PacedDownload &) = delete;
    PacedDownload &operator=(const PacedDownload &) = delete;

    [[nodiscard]] bool running() const { return !ended_; }
    /// Reads the rest without a limit. Returns the SHA-256 of the file, or the error.
    std::string finish();

  private:
    void run(std::size_t bytes, std::size_t rate);
    [[nodiscard]] std::string body() const { return (folder_.path() / "body").string(); }

    TempFolder folder_;
    Fd socket_;
    std::atomic<bool> unlimited_{false}, stop_{false}, ended_{false};
    std::string error_; ///< written by the thread; read after join()
    std::thread thread_;
};

} // namespace glb::test
