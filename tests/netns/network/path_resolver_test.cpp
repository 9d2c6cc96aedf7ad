// Paths to targets, with the kernel's routes and neighbours: an on-link target, and one behind either of two routers.
#include <catch2/catch.hpp>

#include "controller/network/path_resolver.h"
#include "tests/harness/skip.h"
#include "tests/netns/network/kernel.h"

using namespace glb;
using namespace glb::network;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr auto peer_mac = "02:00:00:00:00:20", moved_mac = "02:00:00:00:00:99",
               static_mac = "02:00:00:00:00:77";

struct PathFixture {
    Namespace node{"pr-node"}, peer{"pr-peer"};
    Netlink netlink = netlink_in(node);
    PathResolver resolver = node.call([] { return must(PathResolver::open()); });
    MonotonicTime now{1000s};

    PathFixture() {
        veth(node, "under0", peer, "peer0");
        node.address("under0", "10.0.1.10/24");
        peer.must({"ip", "link", "set", "peer0", "address", peer_mac});
        for (const auto *address : {"10.0.1.20/24", "10.0.1.1/24", "10.0.1.2/24"})
            peer.address("peer0", address);
        peer.sysctl("net/ipv4/conf/peer0/arp_notify", "0");
        node.must({"ip", "route", "add", "10.9.0.0/16", "via", "10.0.1.1"});
    }
    ResolvedPath update(const char *target, const char *source = "10.0.1.10") {
        return resolver.update(snapshot_of(netlink), {"under0", {}}, ip(source), {ip(target)}, now)
            .at(ip(target));
    }
    bool leads_to(const char *target, const std::string &mac) {
        const auto path = update(target);
        return path.path && path.path->destination.to_string() == mac;
    }
    /// Without an announcement, and without ARP from the peer, which would show its new address.
    void move_peer() {
        const auto mac = snapshot_of(netlink).link("under0")->mac.to_string();
        const auto commands = "ip link set peer0 address " + std::string(moved_mac) +
                              " && ip neigh replace 10.0.1.10 dev peer0 nud permanent lladdr " + mac;
        peer.must({"sh", "-c", commands});
    }
};

} // namespace

TEST_CASE("path resolver: target or router that silently changes its MAC is followed at once", "[net]") {
    need_root();
    PathFixture it;
    const auto *target = GENERATE("10.0.1.20", "10.9.0.5");
    REQUIRE(eventually(5s, [&] { return it.leads_to(target, peer_mac); }));
    it.move_peer();
    CHECK(it.leads_to(target, peer_mac));
    CHECK(it.resolver.force_resolve(ip(target), it.now));
    CHECK(eventually(2s, [&] { return it.leads_to(target, moved_mac); }));
}

TEST_CASE("path resolver: forced resolutions are limited, and rarer while they confirm the MAC", "[net]") {
    need_root();
    PathFixture it;
    const auto *target = "10.9.0.5";
    REQUIRE(eventually(5s, [&] { return it.leads_to(target, peer_mac); }));
    std::vector<int> done;
    for (int ms = 0; ms < 30'000; ms += 500, it.now += 500ms) {
        if (it.resolver.force_resolve(ip(target), it.now))
            done.push_back(ms);
        REQUIRE(eventually(5s, [&] { return it.leads_to(target, peer_mac); }));
    }
    CHECK(done == std::vector{0, 1000, 3000, 7000, 15'000, 23'000});
    it.move_peer();
    it.now += 8s;
    CHECK(it.resolver.force_resolve(ip(target), it.now));
    REQUIRE(eventually(5s, [&] { return it.leads_to(target, moved_mac); }));
    it.now += 8s;
    CHECK(it.resolver.force_resolve(ip(target), it.now));
    CHECK(it.resolver.force_resolve(ip(target), it.now + 1s)); // another MAC: as often as at first
}

TEST_CASE("path resolver: entry of an operator or routing daemon survives forced resolutions and release",
          "[net]") {
    need_root();
    PathFixture it;
    const auto *target = GENERATE("10.0.1.20", "10.9.0.5");
    const auto *next_hop = target == std::string("10.9.0.5") ? "10.0.1.1" : target;
    const bool permanent = GENERATE(true, false), existed = GENERATE(true, false);
    std::vector<std::string> set{"ip", "neigh", "replace", next_hop, "dev", "under0", "lladdr", static_mac};
    if (permanent)
        set.insert(set.end(), {"nud", "permanent"});
    else
        set.insert(set.end(), {"nud", "reachable", "extern_learn", "proto", "zebra"});
    if (existed)
        it.node.must(set);
    REQUIRE(eventually(5s, [&] { return it.leads_to(target, existed ? static_mac : peer_mac); }));
    it.node.must(set);
    for (int i = 0; i < 3; ++i, it.now += 10s) {
        CHECK_FALSE(it.resolver.force_resolve(ip(target), it.now));
        CHECK(it.leads_to(target, static_mac));
    }
    it.resolver.release_all();
    CHECK(it.leads_to(target, static_mac));
}

TEST_CASE("path resolver: a silent next hop is told from a missing route", "[net]") {
    need_root();
    PathFixture it;
    const auto reach_after_grace = [&](const char *target) {
        (void)it.update(target);
        CHECK(it.resolver.reach(ip(target)) == Reach::reachable);
        it.now += PathResolver::grace;
        (void)it.update(target);
        return it.resolver.reach(ip(target));
    };
    CHECK(reach_after_grace("10.0.1.77") == Reach::no_neighbour);
    CHECK(reach_after_grace("10.77.0.1") == Reach::local_problem);
    REQUIRE(eventually(5s, [&] { return it.leads_to("10.0.1.20", peer_mac); }));
    CHECK(it.resolver.reach(ip("10.0.1.20")) == Reach::reachable);
    it.node.must({"ip", "addr", "flush", "dev", "under0"});
    CHECK(reach_after_grace("10.0.1.20") == Reach::local_problem);
    it.node.address("under0", "10.0.1.10/24");
    REQUIRE(eventually(5s, [&] { return it.leads_to("10.0.1.20", peer_mac); }));
    CHECK(it.resolver.reach(ip("10.0.1.20")) == Reach::reachable);
}

TEST_CASE("path resolver: routes are those of packets from the tunnel's address", "[net]") {
    need_root();
    PathFixture it;
    it.node.address("under0", "10.0.1.11/24");
    it.node.must({"ip", "route", "add", "10.9.0.0/16", "via", "10.0.1.2", "table", "77"});
    it.node.must({"ip", "rule", "add", "from", "10.0.1.11", "lookup", "77"});
    it.node.must(
        {"ip", "neigh", "replace", "10.0.1.2", "dev", "under0", "lladdr", static_mac, "nud", "permanent"});
    REQUIRE(eventually(5s, [&] { return it.leads_to("10.9.0.5", peer_mac); }));
    const auto path = it.update("10.9.0.5", "10.0.1.11");
    REQUIRE(path.path);
    CHECK(path.path->destination.to_string() == static_mac);
    // An address that the node does not have is no source: the kernel would find no route at all.
    CHECK(it.update("10.9.0.5", "192.0.2.9").path);
}
