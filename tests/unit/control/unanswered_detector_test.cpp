#include <catch2/catch.hpp>

#include "controller/control/unanswered_detector.h"

using glb::UnansweredDetector;

namespace {

glb_target_count counted(std::uint64_t out, std::uint64_t back) {
    glb_target_count count{};
    count.outbound.packets = out;
    count.returned.packets = back;
    return count;
}

} // namespace

TEST_CASE("silence: only packets without any answer since the last look") {
    UnansweredDetector watch;
    CHECK_FALSE(watch.is_unanswered(
        1, counted(100, 0))); // the first look says nothing: it may be of an earlier daemon
    CHECK(watch.is_unanswered(1, counted(103, 0)));
    CHECK_FALSE(watch.is_unanswered(1, counted(105, 0))); // too few to tell
    CHECK_FALSE(watch.is_unanswered(1, counted(200, 1)));
    CHECK(watch.is_unanswered(1, counted(300, 1)));
    CHECK_FALSE(watch.is_unanswered(1, counted(300, 1))); // nobody asked anything
}

TEST_CASE("silence: an index that was given to another target begins anew") {
    UnansweredDetector watch;
    CHECK_FALSE(watch.is_unanswered(1, counted(1000, 0)));
    CHECK_FALSE(watch.is_unanswered(1, counted(2, 0)));
    CHECK(watch.is_unanswered(1, counted(9, 0)));
    CHECK_FALSE(watch.is_unanswered(2, counted(9, 0)));
}
