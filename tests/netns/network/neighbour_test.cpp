// Neighbours as the kernel resolves them, over a wire to a namespace that answers.
#include <catch2/catch.hpp>

#include "controller/network/neighbour.h"
#include "tests/harness/skip.h"
#include "tests/netns/network/kernel.h"

using namespace glb;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct Wire {
    Namespace node{"nt-node"}, peer{"nt-peer"};
    Netlink netlink = netlink_in(node);
    unsigned device = 0;

    Wire() {
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

TEST_CASE("the kernel resolves what it is asked to, without a packet sent", "[net]") {
    need_root();
    Wire wire;
    const auto address = ip(GENERATE("10.0.1.20", "2001:db8:1::20"));
    CHECK_FALSE(wire.known(address));
    REQUIRE(request_resolution(wire.netlink, wire.device, address));
    CHECK(eventually(5s, [&] { return wire.resolved(address); }));
}

TEST_CASE("nobody there: not resolved, and not valid", "[net]") {
    need_root();
    Wire wire;
    const auto absent = ip("10.0.1.99");
    REQUIRE(request_resolution(wire.netlink, wire.device, absent));
    const auto failed = [&] {
        const auto snapshot = snapshot_of(wire.netlink);
        const auto *neighbour = snapshot.neighbour(wire.device, absent);
        return neighbour && !neighbour->is_valid() && neighbour->mac.is_zero();
    };
    CHECK(eventually(1s, failed));
    CHECK_FALSE(eventually(1s, [&] { return wire.resolved(absent); }));
}

TEST_CASE("a neighbour that is kept fresh is resolved, and let go it is gone", "[net]") {
    need_root();
    Wire wire;
    const auto *text = GENERATE("10.0.1.20", "2001:db8:1::20");
    const auto address = ip(text);
    const auto freshness = manage_neighbour(wire.netlink, wire.device, address);
    REQUIRE(freshness);
    CHECK(eventually(5s, [&] { return wire.resolved(address); }));
    // What the library says of the kernel is what iproute2 shows.
    CHECK((*freshness == RefreshMode::managed) == (wire.shown().find("managed") != std::string::npos));

    // Kept again, also while it is there: the same.
    CHECK(manage_neighbour(wire.netlink, wire.device, address) == *freshness);
    CHECK(wire.resolved(address));

    REQUIRE(finish(wire.netlink, wire.device, address));
    CHECK_FALSE(wire.resolved(address));
    CHECK(wire.shown().find("managed") == std::string::npos);
    CHECK(finish(wire.netlink, wire.device, address)); // gone already: no failure
}

TEST_CASE("a managed neighbour that moves to another MAC is found again by the kernel alone", "[net]") {
    need_root();
    Wire wire;
    const auto address = ip("10.0.1.20");
    // Short times, so that the kernel asks again within the test.
    wire.node.sysctl("net/ipv4/neigh/under0/base_reachable_time_ms", "200");
    wire.node.sysctl("net/ipv4/neigh/under0/delay_first_probe_time", "1");
    wire.node.sysctl("net/ipv4/neigh/under0/interval_probe_time_ms", "200");
    wire.node.sysctl("net/ipv4/neigh/under0/retrans_time_ms", "50");
    const auto freshness = manage_neighbour(wire.netlink, wire.device, address);
    REQUIRE(freshness);
    if (*freshness != RefreshMode::managed) {
        WARN("this kernel does not manage neighbours");
        return;
    }
    REQUIRE(eventually(5s, [&] { return wire.resolved(address); }));
    const auto mac_of = [&] {
        const auto snapshot = snapshot_of(wire.netlink);
        const auto *neighbour = snapshot.neighbour(wire.device, address);
        return neighbour ? neighbour->mac.to_string() : std::string();
    };
    wire.peer.must({"ip", "link", "set", "peer0", "address", "02:00:00:00:99:01"});
    CHECK(eventually(20s, [&] { return mac_of() == "02:00:00:00:99:01"; }));
}

TEST_CASE("a device that is gone: keeping fails, letting go does not", "[net]") {
    need_root();
    Wire wire;
    REQUIRE(manage_neighbour(wire.netlink, wire.device, ip("10.0.1.20")));
    wire.node.must({"ip", "link", "del", "under0"});
    CHECK_FALSE(manage_neighbour(wire.netlink, wire.device, ip("10.0.1.20")));
    CHECK_FALSE(request_resolution(wire.netlink, wire.device, ip("10.0.1.20")));
    CHECK(finish(wire.netlink, wire.device, ip("10.0.1.20")));
}
