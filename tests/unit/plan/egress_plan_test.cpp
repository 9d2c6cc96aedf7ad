#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <cstring>

#include "controller/plan/egress_plan.h"
#include "tests/unit/plan/plan_fixture.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("egress plan: rows have the VLAN tags in wire order, each with its ethertype", "[plan]") {
    const auto rows = plan::plan_egress(make_snapshot(), {3});
    CHECK(rows.size() == 5);
    CHECK_FALSE(rows.contains(2)); // not one of the given interfaces
    CHECK(rows.at(3).vlan_count == 0);
    const auto &stacked = rows.at(5);
    CHECK(stacked.ifindex == 3);
    REQUIRE(stacked.vlan_count == 2);
    CHECK(ntohs(stacked.vlan_proto[0]) == 0x88a8);
    CHECK(ntohs(stacked.vlan_tci[0]) == 100);
    CHECK(ntohs(stacked.vlan_proto[1]) == 0x8100);
    CHECK(ntohs(stacked.vlan_tci[1]) == 7);
    REQUIRE(rows.at(6).vlan_count == 1); // the bridge
    CHECK(ntohs(rows.at(6).vlan_tci[0]) == 9);
}

TEST_CASE("egress plan: next hops are resolved neighbours on devices with an egress row, one per MAC",
          "[plan]") {
    auto snapshot = make_snapshot();
    add_neighbour(snapshot, 3, "198.51.100.9", 41);
    add_neighbour(snapshot, 3, "198.51.100.10", 41);
    add_neighbour(snapshot, 3, "198.51.100.11", 42, NUD_FAILED);
    add_neighbour(snapshot, 3, "198.51.100.12", 0);
    add_neighbour(snapshot, 2, "192.0.2.9", 43);
    const auto next_hops = plan::plan_next_hops(snapshot, plan::plan_egress(snapshot, {3}));
    REQUIRE(next_hops.size() == 1);
    CHECK(next_hops[0].first == 3);
    CHECK(std::memcmp(next_hops[0].second.destination, mac(41).bytes.data(), 6) == 0);
    CHECK(std::memcmp(next_hops[0].second.source, mac(3).bytes.data(), 6) == 0);
}
