// FaultFile: the test's side of the shared page that makes calls of glbd fail.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/netns/faults/fault_page.h"

namespace glb::test {

class FaultFile {
  public:
    /// Creates `path`. Throws std::runtime_error on failure.
    explicit FaultFile(std::filesystem::path path);
    ~FaultFile();
    FaultFile(const FaultFile &) = delete;
    FaultFile &operator=(const FaultFile &) = delete;

    /// Command prefix that preloads the fault library into glbd.
    [[nodiscard]] std::vector<std::string> launcher() const;

    /// Starts to count calls. Call number `fail_at` (0: none) fails with EIO, with `persistent` all later
    /// calls too.
    void arm(std::uint32_t fail_at, bool persistent = false);
    /// The same, but the process is killed by SIGKILL at that call.
    void arm_kill(std::uint32_t at);
    /// Counts only BPF_LINK_UPDATE calls, which replace an attached program.
    void arm_links(std::uint32_t fail_at);
    /// Ends fault injection. Returns how many calls were counted.
    std::uint32_t disarm();

    [[nodiscard]] std::uint32_t failed() const;
    [[nodiscard]] std::string where() const; ///< the last failed call

  private:
    void start(std::uint32_t fail_at, bool persistent, std::uint32_t code, std::uint32_t only);
    std::filesystem::path path_;
    glb_fault_page *page_ = nullptr;
};

} // namespace glb::test
