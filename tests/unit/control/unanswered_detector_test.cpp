#include <catch2/catch.hpp>

#include "controller/control/unanswered_detector.h"

using glb::control::UnansweredDetector;

namespace {

glb_target_count counted(std::uint64_t outbound, std::uint64_t returned) {
    glb_target_count count{};
    count.outbound.packets = outbound;
    count.returned.packets = returned;
    return count;
}

} // namespace

TEST_CASE("unanswered detector: detects packets without any answer since the last check") {
    UnansweredDetector detector;
    CHECK_FALSE(
        detector.is_unanswered(1, counted(100, 0))); // baseline only: the packets may precede this daemon
    CHECK(detector.is_unanswered(1, counted(103, 0)));
    CHECK_FALSE(detector.is_unanswered(1, counted(105, 0))); // too few packets
    CHECK_FALSE(detector.is_unanswered(1, counted(200, 1)));
    CHECK(detector.is_unanswered(1, counted(300, 1)));
    CHECK_FALSE(detector.is_unanswered(1, counted(300, 1))); // nothing was sent
}

TEST_CASE("unanswered detector: a reused index starts with a new baseline") {
    UnansweredDetector detector;
    CHECK_FALSE(detector.is_unanswered(1, counted(1000, 0)));
    CHECK_FALSE(detector.is_unanswered(1, counted(2, 0)));
    CHECK(detector.is_unanswered(1, counted(9, 0)));
    CHECK_FALSE(detector.is_unanswered(2, counted(9, 0)));
}
