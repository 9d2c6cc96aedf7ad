// skip(): a test that cannot run on this machine is visibly skipped. Under CI (environment variable CI) it
// fails.
#pragma once

#include <string>

namespace glb::test {

/// Ends the program with exit status 77, which ctest reports as skipped, or with 1 after a failed assertion.
/// If CI is set and not empty, the running Catch2 test case fails instead.
[[noreturn]] void skip(const std::string &reason);

/// skip() if the process is not root. Call it first in a test case.
void need_root();

} // namespace glb::test
