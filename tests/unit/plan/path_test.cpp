#include <catch2/catch.hpp>

#include "controller/network/path_resolver.h"
#include "tests/unit/plan/plan_fixture.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("path: has MACs, tags and MTU, or the reason why there is none", "[net]") {
    auto snapshot = make_snapshot();
    add_neighbour(snapshot, 6, "203.0.113.9", 51);
    add_neighbour(snapshot, 5, "198.51.100.2", 52);
    const auto resolve = [&](unsigned oif, const char *target, const char *gateway = nullptr,
                             unsigned mtu = 0) {
        network::RouteAnswer route;
        route.oif = oif;
        route.mtu = mtu;
        if (gateway)
            route.gateway = ip(gateway);
        return network::path_from_route(snapshot, route, ip(target));
    };
    const auto bridged = resolve(6, "203.0.113.9");
    REQUIRE(bridged.path);
    CHECK(bridged.on_link);
    CHECK(bridged.path->ifindex == 3);
    CHECK(bridged.path->source == mac(6));
    CHECK(bridged.path->destination == mac(51));
    REQUIRE(bridged.path->tags.size() == 1); // the tag of the bridge's port
    CHECK(bridged.path->tags[0].id == 9);
    const auto routed = resolve(5, "192.0.2.200", "198.51.100.2", 1400);
    REQUIRE(routed.path);
    CHECK_FALSE(routed.on_link);
    CHECK(routed.path->mtu == 1400);
    REQUIRE(routed.path->tags.size() == 2);
    CHECK(routed.path->tags[0].eth_proto == 0x88a8);
    CHECK(routed.path->tags[1].id == 7);
    CHECK_THAT(resolve(3, "192.0.2.77").problem,
               Catch::Contains("192.0.2.77") && Catch::Contains("not resolved"));
    CHECK_THAT(resolve(99, "192.0.2.77").problem, Catch::Contains("no interface"));
    network::RouteAnswer local;
    local.oif = 2;
    local.local = true;
    CHECK_THAT(network::path_from_route(snapshot, local, ip("192.0.2.1")).problem, Catch::Contains("local"));
}
