#include "tests/netns/testbed/backlog.h"

#include <fstream>

namespace glb::test {

namespace {

constexpr auto backlog_file = "/proc/sys/net/core/netdev_max_backlog";
constexpr auto own = "100003", kernels = "1000"; ///< a number that nobody else sets; the kernel's default

} // namespace

LongBacklog::LongBacklog() {
    std::ifstream(backlog_file) >> before_;
    if (before_ == own) // a test that was killed has left it
        before_ = kernels;
    std::ofstream(backlog_file) << own;
}

LongBacklog::~LongBacklog() {
    std::ofstream(backlog_file) << before_;
}

} // namespace glb::test
