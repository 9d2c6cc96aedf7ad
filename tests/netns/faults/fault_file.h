// FaultFile: the test's side of the page by which calls of glbd are made to fail.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/netns/faults/fault_page.h"

namespace glb::test {

class FaultFile {
  public:
    /// Makes `path`. Throws std::runtime_error where that fails.
    explicit FaultFile(std::filesystem::path path);
    ~FaultFile();
    FaultFile(const FaultFile &) = delete;
    FaultFile &operator=(const FaultFile &) = delete;

    /// What is to stand before glbd's own command line.
    [[nodiscard]] std::vector<std::string> launcher() const;

    /// From now on calls are counted; the one of that number fails with EIO (0: none), and with `stay` all
    /// after it.
    void arm(std::uint32_t fail_at, bool stay = false);
    /// The same, but the program is killed there, as by kill -9.
    void arm_kill(std::uint32_t at);
    /// The same among link updates alone, which are what puts a program in place.
    void arm_links(std::uint32_t fail_at);
    /// No more faults; returns how many calls were counted.
    std::uint32_t disarm();

    [[nodiscard]] std::uint32_t failed() const;
    [[nodiscard]] std::string where() const; ///< the last call that failed

  private:
    void start(std::uint32_t fail_at, bool stay, std::uint32_t code, std::uint32_t only);
    std::filesystem::path path_;
    glb_fault_page *page_ = nullptr;
};

} // namespace glb::test
