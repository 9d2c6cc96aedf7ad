// The parts of the bench without packets: order statistics and simulated tables.
#include <set>

#include <catch2/catch.hpp>

#include "bench/fill.h"
#include "bench/measure.h"

using namespace glb::bench;

TEST_CASE("bench: quantiles are samples, by nearest rank", "[bench]") {
    CHECK(quantile({7}, 0.5) == 7);
    CHECK(quantile({3, 1, 2}, 0.5) == 2);
    CHECK(quantile({10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 0.1) == 2);
    CHECK(quantile({1, 2}, 1) == 2);
}

TEST_CASE("bench: no two flows share a slot, and lost flows have none", "[bench]") {
    const Shape shape{.ways = 4, .buckets = 1};
    const auto filled = fill(shape, 1024, 1024);
    std::set<std::uint32_t> slots;
    std::uint64_t lost = 0;
    for (const auto slot : filled.slots) {
        if (slot == no_slot) {
            ++lost;
            continue;
        }
        CHECK(slot < 1024);
        CHECK(slots.insert(slot).second);
    }
    CHECK(lost == filled.lost);
    CHECK(lost > 0);
}

TEST_CASE("bench: the simulation agrees with the Poisson distribution for one bucket of four ways",
          "[bench]") {
    // At half load the flows of a bucket are Poisson distributed with mean 2; those beyond four are lost: the
    // sum over k > 4 of (k - 4) p(k) / 2 = 3.76 %.
    const auto filled = fill({.ways = 4, .buckets = 1}, 1u << 16, 1u << 15);
    const double lost = static_cast<double>(filled.lost) / (1u << 15);
    CHECK(lost == Approx(0.0376).margin(0.003));
}

TEST_CASE("bench: more ways and a second bucket lose fewer flows", "[bench]") {
    const auto lost = [](unsigned ways, unsigned buckets) {
        return fill({.ways = ways, .buckets = buckets}, 1u << 16, 59000).lost;
    };
    CHECK(lost(8, 2) < lost(4, 2));
    CHECK(lost(4, 2) < lost(8, 1));
    CHECK(lost(8, 1) < lost(4, 1));
}
