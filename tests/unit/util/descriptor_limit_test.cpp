#include <catch2/catch.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/util/descriptor_limit.h"

using namespace glb;

namespace {

/// In a process of its own, since a hard limit cannot be raised again: the limit after the raise; 0: it failed.
std::uint64_t raised_from(rlim_t soft, rlim_t hard) {
    int pipe_fds[2];
    REQUIRE(::pipe(pipe_fds) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const rlimit limit{soft, hard};
        std::uint64_t result = 0;
        if (::setrlimit(RLIMIT_NOFILE, &limit) == 0 && raise_descriptor_limit())
            result = descriptor_limit();
        const auto written = ::write(pipe_fds[1], &result, sizeof result);
        ::_exit(written == sizeof result ? 0 : 1);
    }
    std::uint64_t result = 0;
    REQUIRE(::read(pipe_fds[0], &result, sizeof result) == sizeof result);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    ::close(pipe_fds[0]);
    ::close(pipe_fds[1]);
    return result;
}

} // namespace

TEST_CASE("descriptor limit: the soft limit is raised to the hard one, which must suffice", "[util]") {
    CHECK(raised_from(64, 900) == 900);
    CHECK(raised_from(64, base_descriptors) == base_descriptors);
    CHECK(raised_from(64, base_descriptors - 1) == 0);
}
