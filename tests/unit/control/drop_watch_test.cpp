#include <catch2/catch.hpp>

#include "controller/control/drop_watch.h"

using namespace glb;
using namespace glb::control;
using namespace std::chrono_literals;

namespace {

constexpr MonotonicTime began{std::chrono::hours(1)};

struct Drops {
    std::vector<glb_count> counts = std::vector<glb_count>(GLB_DROP_MAX);
    std::vector<glb_count> &add(glb_drop reason, std::uint64_t packets) {
        counts[reason].packets += packets;
        return counts;
    }
};

} // namespace

TEST_CASE("drop watch: what was dropped before is not reported, what is dropped now is, for a minute") {
    DropWatch watch;
    Drops drops;
    CHECK(watch.update(drops.add(GLB_DROP_REDIRECT_FAILED, 1000), began).empty());
    CHECK(watch.update(drops.counts, began + 1s).empty());
    const auto found = watch.update(drops.add(GLB_DROP_REDIRECT_FAILED, 3), began + 2s);
    REQUIRE(found.size() == 1);
    CHECK(found[0].what == "drops");
    CHECK(found[0].where == "redirect_failed");
    CHECK(found[0].severity == Severity::warning);
    CHECK(found[0].message.starts_with("3 packets dropped: "));
    CHECK_FALSE(found[0].fix.empty());
    CHECK(watch.update(drops.counts, began + 61s).size() == 1);
    CHECK(watch.update(drops.add(GLB_DROP_REDIRECT_FAILED, 1), began + 61s)[0].message.starts_with(
        "4 packets"));
    CHECK(watch.update(drops.counts, began + 121s).empty());
    CHECK(watch.update(drops.add(GLB_DROP_REDIRECT_FAILED, 1), began + 122s)[0].message.starts_with(
        "1 packet "));
}

TEST_CASE("drop watch: what clients or appliances can cause at will is not reported") {
    DropWatch watch;
    Drops drops;
    (void)watch.update(drops.counts, began);
    for (const auto reason : {GLB_DROP_MALFORMED, GLB_DROP_UNKNOWN_SENDER, GLB_DROP_WRONG_TARGET,
                              GLB_DROP_MARTIAN, GLB_DROP_SOURCE_LIMIT})
        CHECK(watch.update(drops.add(reason, 100), began + 1s).empty());
}

TEST_CASE("drop watch: counters that begin anew are no drops") {
    DropWatch watch;
    Drops drops;
    (void)watch.update(drops.add(GLB_DROP_TOO_BIG, 50), began);
    CHECK(watch.update(Drops().add(GLB_DROP_TOO_BIG, 2), began + 1s).empty());
    CHECK(watch.update(Drops().add(GLB_DROP_TOO_BIG, 3), began + 2s).size() == 1);
    CHECK(watch.update({}, began + 63s).empty());
}
