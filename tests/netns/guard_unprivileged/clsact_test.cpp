// The clsact qdisc of an interface, in the kernel.
#include <catch2/catch.hpp>

#include "controller/guard/clsact.h"
#include "tests/harness/skip.h"
#include "tests/netns/guard_unprivileged/guarded_node.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("clsact: is created once, and removed with or without filters") {
    need_root();
    const GuardedNode node;
    auto netlink = node.ns.call([] { return Netlink::open().value(); });
    const auto eth0 = node.ns.ifindex("eth0");
    CHECK(guard::remove_clsact(netlink, eth0)); // there is none
    CHECK(guard::add_clsact(netlink, eth0).value());
    CHECK(node.has_clsact("eth0"));
    CHECK_FALSE(guard::add_clsact(netlink, eth0).value());
    node.run("tc filter add dev eth0 egress prio 5 protocol all u32 match u32 0 0");
    CHECK(guard::remove_clsact(netlink, eth0));
    CHECK_FALSE(node.has_clsact("eth0"));
    CHECK_FALSE(node.has_clsact("eth1"));
}

TEST_CASE("clsact: of an interface that does not exist is an error, its removal none") {
    need_root();
    const GuardedNode node;
    auto netlink = node.ns.call([] { return Netlink::open().value(); });
    const auto added = guard::add_clsact(netlink, 9999);
    REQUIRE_FALSE(added);
    CHECK(added.error().code == ENODEV);
    CHECK(guard::remove_clsact(netlink, 9999));
}
