// Neighbour resolution by the kernel, over a veth to a namespace that responds.
#include <catch2/catch.hpp>

#include "controller/network/neighbour.h"
#include "tests/harness/skip.h"
#include "tests/netns/network/kernel.h"

using namespace glb;
using namespace glb::network;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct NeighbourFixture {
    Namespace node{"nt-node"}, peer{"nt-peer"};
    Netlink netlink = netlink_in(node);
    unsigned device = 0;

    NeighbourFixture() {
        veth(node, "under0", peer, "peer0");
        node.address("under0", "10.0.1.10/24");
        node.address("under0", "2001:db8:1::10/64");
        peer.address("peer0", "10.0.1.20/24");
        peer.address("peer0", "2001:db8:1::20/64");
        device = node.ifindex("under0");
    }

    bool resolved(const IpAddress &address) {
        const auto snapshot = snapshot_of(netlink);
        const auto *neighbour = snapshot.neighbour(device, address);
        const auto *link = snapshot.link("under0");
        return neighbour && link && neighbour->is_valid() && !neighbour->mac.is_zero() &&
               neighbour->mac.bytes != link->mac.bytes;
    }
    bool known(const IpAddress &address) {
        return snapshot_of(netlink).neighbour(device, address) != nullptr;
    }
    std::string shown() const { return node.must({"ip", "neigh", "show", "nud", "all", "dev", "under0"}); }
};

} // namespace

TEST_CASE("neighbour: request_resolution() makes the kernel resolve an address without a packet", "[net]") {
    need_root();
    NeighbourFixture fixture;
    const auto address = ip(GENERATE("10.0.1.20", "2001:db8:1::20"));
    CHECK_FALSE(fixture.known(address));
    REQUIRE(request_resolution(fixture.netlink, fixture.device, address));
    CHECK(eventually(5s, [&] { return fixture.resolved(address); }));
}

TEST_CASE("neighbour: unused address is neither resolved nor valid", "[net]") {
    need_root();
    NeighbourFixture fixture;
    const auto absent = ip("10.0.1.99");
    REQUIRE(request_resolution(fixture.netlink, fixture.device, absent));
    const auto failed = [&] {
        const auto snapshot = snapshot_of(fixture.netlink);
        const auto *neighbour = snapshot.neighbour(fixture.device, absent);
        return neighbour && !neighbour->is_valid() && neighbour->mac.is_zero();
    };
    CHECK(eventually(1s, failed));
    CHECK_FALSE(eventually(1s, [&] { return fixture.resolved(absent); }));
}

TEST_CASE("neighbour: refreshed neighbour is resolved until it is released", "[net]") {
    need_root();
    NeighbourFixture fixture;
    const auto *text = GENERATE("10.0.1.20", "2001:db8:1::20");
    const auto address = ip(text);
    const auto freshness = manage_neighbour(fixture.netlink, fixture.device, address);
    REQUIRE(freshness);
    CHECK(eventually(5s, [&] { return fixture.resolved(address); }));
    // The result agrees with iproute2.
    CHECK((*freshness == RefreshMode::managed) == (fixture.shown().find("managed") != std::string::npos));

    // The kernel's garbage collection spares it, and a request to resolve it changes neither.
    CHECK(fixture.shown().find("extern_learn") != std::string::npos);
    REQUIRE(request_resolution(fixture.netlink, fixture.device, address));
    CHECK(fixture.shown().find("extern_learn") != std::string::npos);
    CHECK((*freshness == RefreshMode::managed) == (fixture.shown().find("managed") != std::string::npos));

    // A second call changes nothing.
    CHECK(manage_neighbour(fixture.netlink, fixture.device, address) == *freshness);
    CHECK(fixture.resolved(address));

    CHECK(remove_neighbour(fixture.netlink, fixture.device, address) == true);
    CHECK_FALSE(fixture.resolved(address));
    CHECK(fixture.shown().find("managed") == std::string::npos);
    CHECK(remove_neighbour(fixture.netlink, fixture.device, address)); // already released: no error
}

TEST_CASE("neighbour: kernel follows a MAC address change of a managed neighbour", "[net]") {
    need_root();
    NeighbourFixture fixture;
    const auto address = ip("10.0.1.20");
    // Short timers, so that the kernel probes again within the test.
    fixture.node.sysctl("net/ipv4/neigh/under0/base_reachable_time_ms", "200");
    fixture.node.sysctl("net/ipv4/neigh/under0/delay_first_probe_time", "1");
    fixture.node.sysctl("net/ipv4/neigh/under0/interval_probe_time_ms", "200");
    fixture.node.sysctl("net/ipv4/neigh/under0/retrans_time_ms", "50");
    const auto freshness = manage_neighbour(fixture.netlink, fixture.device, address);
    REQUIRE(freshness);
    if (*freshness != RefreshMode::managed) {
        WARN("this kernel has no managed neighbours");
        return;
    }
    REQUIRE(eventually(5s, [&] { return fixture.resolved(address); }));
    const auto mac_of = [&] {
        const auto snapshot = snapshot_of(fixture.netlink);
        const auto *neighbour = snapshot.neighbour(fixture.device, address);
        return neighbour ? neighbour->mac.to_string() : std::string();
    };
    fixture.peer.must({"ip", "link", "set", "peer0", "address", "02:00:00:00:99:01"});
    CHECK(eventually(20s, [&] { return mac_of() == "02:00:00:00:99:01"; }));
}

TEST_CASE("neighbour: after its device is removed, refreshing fails and releasing succeeds", "[net]") {
    need_root();
    NeighbourFixture fixture;
    REQUIRE(manage_neighbour(fixture.netlink, fixture.device, ip("10.0.1.20")));
    fixture.node.must({"ip", "link", "del", "under0"});
    CHECK_FALSE(manage_neighbour(fixture.netlink, fixture.device, ip("10.0.1.20")));
    CHECK_FALSE(request_resolution(fixture.netlink, fixture.device, ip("10.0.1.20")));
    CHECK(remove_neighbour(fixture.netlink, fixture.device, ip("10.0.1.20")));
}

TEST_CASE("neighbour: entries of operators and routing daemons are neither changed nor removed", "[net]") {
    need_root();
    NeighbourFixture fixture;
    const auto *address = GENERATE("10.0.1.20", "2001:db8:1::20");
    const std::vector<std::string> kind =
        GENERATE(std::vector<std::string>{"nud", "permanent"}, std::vector<std::string>{"nud", "noarp"},
                 std::vector<std::string>{"nud", "reachable", "extern_learn"},
                 std::vector<std::string>{"nud", "stale", "extern_learn", "proto", "zebra"});
    std::vector<std::string> add{"ip",  "neigh",  "replace", address,
                                 "dev", "under0", "lladdr",  "02:00:00:00:00:77"};
    add.insert(add.end(), kind.begin(), kind.end());
    fixture.node.must(add);
    const auto shown = [&] {
        return fixture.node.must({"ip", "-d", "neigh", "show", address, "dev", "under0", "nud", "all"});
    };
    const auto before = shown();
    REQUIRE(before.find("02:00:00:00:00:77") != std::string::npos);
    CHECK(manage_neighbour(fixture.netlink, fixture.device, ip(address)) == RefreshMode::foreign);
    CHECK(request_resolution(fixture.netlink, fixture.device, ip(address)));
    CHECK(remove_neighbour(fixture.netlink, fixture.device, ip(address)) == false);
    CHECK(shown() == before);
}

TEST_CASE("neighbour: the kernel's count of table overflows can be read", "[net]") {
    need_root();
    NeighbourFixture fixture;
    CHECK(neighbour_table_overflows(fixture.netlink));
}
