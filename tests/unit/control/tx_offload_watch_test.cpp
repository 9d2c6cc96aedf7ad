#include <catch2/catch.hpp>

#include "controller/control/tx_offload_watch.h"

using namespace glb;
using namespace glb::control;
using namespace std::chrono_literals;

namespace {

constexpr MonotonicTime began{std::chrono::hours(1)};
constexpr TxOffloadPlace place{3, 0}, other{4, 0};
using Places = std::vector<TxOffloadPlace>;

} // namespace

TEST_CASE("tx offload: a place is found after a few reports within a short time, until there are none") {
    TxOffloadWatch watch;
    watch.record(place, began);
    watch.record(place, began + 1s);
    watch.record(other, began + 1s);
    CHECK(watch.found(began + 1s).empty());
    watch.record(place, began + 2s);
    CHECK(watch.found(began + 2s) == Places{place});
    watch.record(place, began + 50s);
    CHECK(watch.found(began + 109s) == Places{place});
    CHECK(watch.found(began + 110s).empty());
    watch.record(place, began + 111s); // begins again
    watch.record(place, began + 112s);
    CHECK(watch.found(began + 112s).empty());
    watch.record(place, began + 113s);
    CHECK(watch.found(began + 113s) == Places{place});
}

TEST_CASE("tx offload: reports that are rare are no evidence") {
    TxOffloadWatch watch;
    for (int i = 0; i < 20; ++i)
        watch.record(place, began + i * 6s);
    CHECK(watch.found(began + 114s).empty());
}
