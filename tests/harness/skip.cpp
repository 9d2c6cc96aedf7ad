#include "tests/harness/skip.h"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>

namespace glb::test {

namespace {

bool any_failed = false;

// A later skip must not hide an earlier failure.
struct FailureMemory : Catch::TestEventListenerBase {
    using TestEventListenerBase::TestEventListenerBase;
    bool assertionEnded(const Catch::AssertionStats &stats) override {
        any_failed |= !stats.assertionResult.isOk();
        return true;
    }
};
CATCH_REGISTER_LISTENER(FailureMemory)

} // namespace

void skip(const std::string &reason) {
    const char *ci = std::getenv("CI");
    if (ci != nullptr && *ci != '\0')
        FAIL("skipped under CI: " << reason);
    std::fprintf(stderr, "SKIP: %s\n", reason.c_str());
    std::exit(any_failed ? 1 : 77);
}

void need_root() {
    if (geteuid() != 0)
        skip("needs root");
}

} // namespace glb::test
