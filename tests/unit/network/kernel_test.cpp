// Against the kernel: reading needs no privilege, and every network namespace has a loopback device.
#include <catch2/catch.hpp>

#include <net/if.h>

#include "controller/network/route.h"
#include "controller/network/snapshot.h"

using namespace glb;

TEST_CASE("a snapshot names the loopback device, its index, MTU and state", "[net]") {
    auto netlink = Netlink::open();
    REQUIRE(netlink);
    const auto snapshot = read_snapshot(*netlink);
    INFO((snapshot ? std::string() : snapshot.error().message));
    REQUIRE(snapshot);
    const auto *loopback = snapshot->link("lo");
    REQUIRE(loopback);
    CHECK(loopback->index == if_nametoindex("lo"));
    CHECK(loopback->mtu >= 1500);
    CHECK(snapshot->link(loopback->index) == loopback);
    CHECK_FALSE(snapshot->link("no such device"));
}

TEST_CASE("the kernel says by which device it would send", "[net]") {
    auto netlink = Netlink::open();
    REQUIRE(netlink);
    RouteQuery query;
    query.destination = *IpAddress::parse("127.0.0.1");
    const auto answer = route_get(*netlink, query);
    INFO((answer ? std::string() : answer.error().message));
    REQUIRE(answer);
    CHECK(answer->oif == if_nametoindex("lo"));
    CHECK(answer->local);
    CHECK_FALSE(answer->gateway);
}
