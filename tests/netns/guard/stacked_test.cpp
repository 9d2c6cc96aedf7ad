// The guard when an endpoint's device is stacked on its interface: a VLAN, a VLAN in a VLAN, and a bridge.
// Without a daemon and without a data path.
#include <catch2/catch.hpp>

#include <array>

#include "tests/harness/skip.h"
#include "tests/netns/guard/punt.h"
#include "tests/netns/guard/router.h"

using namespace glb;
using namespace glb::test;

namespace {

/// True if the kernel supports the device; some are built without VLAN devices. Warns otherwise.
bool has_device_for(const std::array<std::uint16_t, 2> &vlans) {
    if (!vlans[0])
        return true;
    const Namespace near("grd-probe"), far("grd-probe2");
    veth(near, "eth0", far, "eth0");
    if (near.run({"ip", "link", "add", "link", "eth0", "name", "probe", "type", "vlan", "id", "9"}).code == 0)
        return true;
    WARN("this kernel has no VLAN devices");
    return false;
}

/// The client's side of the router on a device above cli0: a device of these VLANs, or a bridge without
/// VLANs.
struct StackedRouter : Router {
    explicit StackedRouter(std::array<std::uint16_t, 2> device_vlans) : vlans(device_vlans) {
        node.must({"ip", "address", "flush", "dev", "cli0"});
        client.must({"ip", "address", "flush", "dev", "eth0"});
        std::string far = "eth0";
        device = "cli0";
        for (const auto vlan : vlans)
            if (vlan) {
                below = device;
                device = add_vlan(node, device, vlan);
                far = add_vlan(client, far, vlan);
            }
        if (!vlans[0])
            device = add_bridge();
        address_node();
        client.address(far, "192.0.2.2/24");
        client.address(far, "2001:db8:1::2/64");
        client.must({"ip", "route", "replace", "default", "via", "192.0.2.1"});
        client.must({"ip", "-6", "route", "replace", "default", "via", "2001:db8:1::1"});
    }
    /// Deletes the node's device and creates it again.
    void replace_device() const {
        node.must({"ip", "link", "del", device});
        if (vlans[0])
            add_vlan(node, below, vlans[1] ? vlans[1] : vlans[0]);
        else
            add_bridge();
        address_node();
    }
    [[nodiscard]] plan::GuardPlan plan() const {
        auto plan = Router::plan();
        plan.ports[0].vlans = vlans;
        plan.ports[0].devices = {device};
        return plan;
    }
    [[nodiscard]] bool both_pass() const { return ping("198.51.100.2") && ping("2001:db8:2::2"); }
    [[nodiscard]] bool node_answers() const { return ping("192.0.2.1") && ping("2001:db8:1::1"); }

    std::array<std::uint16_t, 2> vlans;
    std::string device, below;

  private:
    void address_node() const {
        node.address(device, "192.0.2.1/24");
        node.address(device, "2001:db8:1::1/64");
    }
    static std::string add_vlan(const Namespace &ns, const std::string &below, std::uint16_t id) {
        const auto number = std::to_string(id);
        const auto name = below + "." + number;
        ns.must({"ip", "link", "add", "link", below, "name", name, "type", "vlan", "id", number});
        ns.must({"ip", "link", "set", name, "up"});
        return name;
    }
    std::string add_bridge() const {
        node.must(
            {"ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"});
        node.must({"ip", "link", "set", "cli0", "master", "br0"});
        node.must({"ip", "link", "set", "br0", "up"});
        return "br0";
    }
};

} // namespace

TEST_CASE(
    "guard: VLAN device or bridge stays guarded without a daemon, with any one part of the guard removed") {
    need_root();
    const auto vlans = GENERATE(std::array<std::uint16_t, 2>{100, 0}, std::array<std::uint16_t, 2>{100, 7},
                                std::array<std::uint16_t, 2>{0, 0});
    CAPTURE(vlans[0], vlans[1]);
    if (!has_device_for(vlans))
        return;
    const StackedRouter router(vlans);
    REQUIRE(router.both_pass());
    {
        NodeGuard guard(router);
        guard.install(router.plan());
        CHECK_FALSE(router.passes());
        CHECK(guard.uninspected() >= 2);
        CHECK(guard.check().repaired.empty());
        guard.set_magic(magic);
    }
    // Each part of the guard is redundant.
    CHECK_FALSE(router.passes());
    CHECK(router.node_answers());
    SECTION("nftables rules removed: the filter's mark selects the blackhole rule") {
        router.node.must({"nft", "flush", "ruleset"});
        CHECK_FALSE(router.passes());
        CHECK(router.node_answers());
    }
    SECTION("filter removed: the rules match the device only") {
        router.node.must({"tc", "qdisc", "del", "dev", "cli0", "clsact"});
        CHECK_FALSE(router.passes());
        CHECK(router.node_answers());
    }
    SECTION("routing rules removed") {
        router.node.must({"ip", "rule", "flush"});
        router.node.must({"ip", "rule", "add", "priority", "32766", "lookup", "main"});
        CHECK_FALSE(router.passes());
    }
    SECTION("device created again with another index") {
        router.replace_device();
        CHECK(router.node_answers());
        CHECK_FALSE(router.passes());
    }
}

TEST_CASE("punt path: packets with the right magic pass on a VLAN device or bridge, others do not") {
    need_root();
    const auto vlans = GENERATE(std::array<std::uint16_t, 2>{100, 0}, std::array<std::uint16_t, 2>{0, 0});
    CAPTURE(vlans[0]);
    if (!has_device_for(vlans))
        return;
    const StackedRouter router(vlans);
    NodeGuard guard(router);
    guard.install(router.plan());
    const PuntForger client_side(router.node, "cli0", magic), server_side(router.node, "srv0", magic);
    CHECK_FALSE(router.passes());
    guard.set_magic(magic);
    CHECK(router.both_pass());
    guard.set_magic(magic + 1);
    CHECK_FALSE(router.passes());
}
