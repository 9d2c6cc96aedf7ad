#include "tests/netns/testbed/backlog.h"

#include <fstream>

namespace glb::test {

namespace {

constexpr auto backlog_file = "/proc/sys/net/core/netdev_max_backlog";
constexpr auto kernel_default = "1000";
/// An unusual value, so that one left behind by a killed test is recognised.
constexpr auto long_backlog = "100003";

} // namespace

LongBacklog::LongBacklog() {
    std::ifstream(backlog_file) >> saved_;
    if (saved_ == long_backlog)
        saved_ = kernel_default;
    std::ofstream(backlog_file) << long_backlog;
}

LongBacklog::~LongBacklog() {
    std::ofstream(backlog_file) << saved_;
}

} // namespace glb::test
