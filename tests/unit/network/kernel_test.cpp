// Reads from the running kernel; needs no privileges. Every network namespace has a loopback device.
#include <catch2/catch.hpp>

#include <net/if.h>

#include "controller/network/route.h"
#include "controller/network/snapshot.h"

using namespace glb;

TEST_CASE("snapshot: contains the loopback device with index and MTU", "[net]") {
    auto netlink = Netlink::open();
    REQUIRE(netlink);
    const auto snapshot = network::read_snapshot(*netlink);
    INFO((snapshot ? std::string() : snapshot.error().message));
    REQUIRE(snapshot);
    const auto *loopback = snapshot->link("lo");
    REQUIRE(loopback);
    CHECK(loopback->index == if_nametoindex("lo"));
    CHECK(loopback->mtu >= 1500);
    CHECK(snapshot->link(loopback->index) == loopback);
    CHECK_FALSE(snapshot->link("no such device"));
}

TEST_CASE("route: loopback addresses are local and on-link", "[net]") {
    auto netlink = Netlink::open();
    REQUIRE(netlink);
    network::RouteQuery query;
    query.destination = *IpAddress::parse("127.0.0.1");
    const auto route = network::route_get(*netlink, query);
    INFO((route ? std::string() : route.error().message));
    REQUIRE(route);
    CHECK(route->oif == if_nametoindex("lo"));
    CHECK(route->local);
    CHECK_FALSE(route->gateway);
}
