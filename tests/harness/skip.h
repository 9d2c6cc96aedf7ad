// skip(): a test that cannot run here says so, visibly; under CI (environment variable CI) it fails instead.
#pragma once

#include <string>

namespace glb::test {

/// Ends the program with 77, which ctest shows as skipped; with 1 where an assertion has failed before.
/// Where CI is set and not empty, fails the running Catch2 test case instead. Call it first in a test case.
[[noreturn]] void skip(const std::string &reason);

/// skip() where the process is not root.
void need_root();

} // namespace glb::test
