#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/util/standard_descriptors.h"

using namespace glb;

namespace {

bool is_null_device(int fd) {
    struct stat info {
    }, null{};
    return ::fstat(fd, &info) == 0 && ::stat("/dev/null", &null) == 0 && info.st_rdev == null.st_rdev;
}

/// In a child that has closed the descriptors of `closed` (bit n: descriptor n).
int exit_status_of_child(unsigned closed) {
    const auto child = ::fork();
    if (child == 0) {
        for (int fd = 0; fd < 3; ++fd)
            if (closed >> fd & 1)
                ::close(fd);
        bool good = open_standard_descriptors();
        for (int fd = 0; fd < 3; ++fd)
            if (closed >> fd & 1)
                good = good && is_null_device(fd);
        const int next = ::open("/dev/zero", O_RDONLY);
        ::_exit(good && next > 2 ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

} // namespace

TEST_CASE("standard descriptors: closed ones are opened on /dev/null, so that no other file gets 0 to 2") {
    for (unsigned closed = 0; closed < 8; ++closed) {
        INFO("closed: " << closed);
        CHECK(exit_status_of_child(closed) == 0);
    }
}
