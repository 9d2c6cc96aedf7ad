#include <catch2/catch.hpp>

#include "controller/control/neighbour_overflow.h"
#include "controller/control/target_reach.h"

using namespace glb;
using namespace glb::control;
using namespace std::chrono_literals;
using network::Reach;

namespace {

health::TargetSnapshot target(const std::string &group, const char *id, const char *address) {
    health::TargetSnapshot row;
    row.group = group;
    row.name = group + "/" + id;
    row.target.id = id;
    row.target.address = *IpAddress::parse(address);
    return row;
}

} // namespace

TEST_CASE("target reach: a missing route fails no target unless others of its group can be reached",
          "[control]") {
    health::HealthSnapshot health;
    health.targets = {target("g", "a", "192.0.2.1"), target("g", "b", "192.0.2.2"),
                      target("h", "a", "198.51.100.1"), target("h", "b", "198.51.100.2")};
    std::map<IpAddress, Reach> reach;
    const auto result = [&] {
        return reachable_targets(health, [&](const IpAddress &address) { return reach[address]; });
    };
    const auto at = [&](const char *address) -> Reach & { return reach[*IpAddress::parse(address)]; };
    at("192.0.2.1") = at("192.0.2.2") = Reach::local_problem;
    at("198.51.100.1") = Reach::local_problem;
    using Expected = std::map<std::string, bool>;
    CHECK(result() == Expected{{"g/a", true}, {"g/b", true}, {"h/a", false}, {"h/b", true}});
    at("192.0.2.2") = Reach::no_neighbour; // which is evidence, whatever the others are
    CHECK(result() == Expected{{"g/a", true}, {"g/b", false}, {"h/a", false}, {"h/b", true}});
    health.targets[3].drain_until = MonotonicTime{1s}; // a removed target takes no flows
    CHECK(result() == Expected{{"g/a", true}, {"g/b", false}, {"h/a", true}, {"h/b", true}});
}

TEST_CASE("neighbour overflow: logged once while the kernel's table stays full", "[control]") {
    NeighbourOverflow overflow;
    const MonotonicTime now{100s};
    CHECK(overflow.update(7, now).empty()); // before the daemon's start
    CHECK(overflow.update(7, now + 1s).empty());
    const auto found = overflow.update(9, now + 2s);
    REQUIRE(found.size() == 1);
    CHECK(found[0].what == "neighbour-table-full");
    CHECK_THAT(found[0].fix, Catch::Contains("gc_thresh3"));
    CHECK(overflow.update(10, now + 8s) == found);
    CHECK(overflow.update(10, now + 17s) == found);
    CHECK(overflow.update(10, now + 18s).empty());
    CHECK(overflow.update(11, now + 19s) == found);
}
