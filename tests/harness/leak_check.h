// LeakCheck: kernel objects that a test leaves behind.
#pragma once

#include <set>
#include <string>

#include "tests/harness/process.h"

namespace glb::test {

/// Records the state at construction: this process's children and test namespaces, and all BPF programs, maps
/// and links of the machine. Since BPF objects are listed machine-wide, a test that uses this runs alone
/// (ctest's RUN_SERIAL).
class LeakCheck {
  public:
    LeakCheck() : before_(list_objects()) {}

    /// New objects that still exist after `timeout` (the kernel frees BPF objects with a delay), or an
    /// empty string: REQUIRE(check.leaks() == "");
    [[nodiscard]] std::string leaks(milliseconds timeout = std::chrono::seconds(20)) const;

  private:
    [[nodiscard]] static std::set<std::string> list_objects();
    std::set<std::string> before_;
};

} // namespace glb::test
