// The parts of the bench that no packet passes: order statistics, and the simulated tables.
#include <set>

#include <catch2/catch.hpp>

#include "bench/fill.h"
#include "bench/measure.h"

using namespace glb::bench;

TEST_CASE("quantiles are samples, by nearest rank", "[bench]") {
    CHECK(quantile({7}, 0.5) == 7);
    CHECK(quantile({3, 1, 2}, 0.5) == 2);
    CHECK(quantile({10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 0.1) == 2);
    CHECK(quantile({1, 2}, 1) == 2);
}

TEST_CASE("no two flows get one place, and those counted as lost got none", "[bench]") {
    const Shape shape{.ways = 4, .buckets = 1};
    const auto filled = fill(shape, 1024, 1024);
    std::set<std::uint32_t> places;
    std::uint64_t lost = 0;
    for (const auto slot : filled.slots) {
        if (slot == no_place) {
            ++lost;
            continue;
        }
        CHECK(slot < 1024);
        CHECK(places.insert(slot).second);
    }
    CHECK(lost == filled.lost);
    CHECK(lost > 0);
}

TEST_CASE("the simulation agrees with the Poisson law for one bucket of four ways", "[bench]") {
    // Flows per bucket are Poisson with mean 2 at half load; what exceeds four is lost: the sum over k > 4 of
    // (k - 4) p(k) / 2 = 3.76 %.
    const auto filled = fill({.ways = 4, .buckets = 1}, 1u << 16, 1u << 15);
    const double lost = static_cast<double>(filled.lost) / (1u << 15);
    CHECK(lost == Approx(0.0376).margin(0.003));
}

TEST_CASE("more ways and a second bucket lose fewer flows", "[bench]") {
    const auto lost = [](unsigned ways, unsigned buckets) {
        return fill({.ways = ways, .buckets = buckets}, 1u << 16, 59000).lost;
    };
    CHECK(lost(8, 2) < lost(4, 2));
    CHECK(lost(4, 2) < lost(8, 1));
    CHECK(lost(8, 1) < lost(4, 1));
}
