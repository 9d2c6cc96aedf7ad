// LeakCheck: what a test leaves behind in the kernel.
#pragma once

#include <set>
#include <string>

#include "tests/harness/process.h"

namespace glb::test {

/// Remembers what is there when it is made: this process's children and test namespaces, and all BPF
/// programs, maps and links of the machine. BPF objects are seen machine-wide: a test that uses this
/// runs alone (ctest's RUN_SERIAL).
class LeakCheck {
  public:
    LeakCheck() : before_(look()) {}

    /// What is new and does not go within `timeout` (the kernel frees BPF objects late); empty where clean.
    /// REQUIRE(check.leaks() == "");
    [[nodiscard]] std::string leaks(milliseconds timeout = std::chrono::seconds(20)) const;

  private:
    [[nodiscard]] static std::set<std::string> look();
    std::set<std::string> before_;
};

} // namespace glb::test
