// The guard where an endpoint's interface is a port of a bridge that has others. Without a daemon and without a data
// path.
#include <catch2/catch.hpp>

#include <filesystem>

#include "tests/harness/skip.h"
#include "tests/netns/guard/punt.h"
#include "tests/netns/guard/router.h"

using namespace glb;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// The endpoint's interface cli0 and vm0 are ports of br0; ext0 leads to a network that is no endpoint's.
struct BridgedRouter : Router {
    explicit BridgedRouter(const std::string &call_iptables) : vm("grd-vm"), other("grd-ext") {
        const std::string key = "net/bridge/bridge-nf-call-iptables";
        if (node.call([&] { return std::filesystem::exists("/proc/sys/" + key); })) {
            node.sysctl(key, call_iptables);
            node.sysctl("net/bridge/bridge-nf-call-ip6tables", call_iptables);
        } else if (call_iptables == "1") {
            WARN("br_netfilter is not loaded: only bridges without it are tested");
        }
        node.must(
            {"ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"});
        veth(node, "vm0", vm, "eth0");
        veth(node, "ext0", other, "eth0");
        for (const auto *port : {"cli0", "vm0"})
            node.must({"ip", "link", "set", port, "master", "br0"});
        node.must({"ip", "link", "set", "br0", "up"});
        node.must({"ip", "address", "flush", "dev", "cli0"});
        node.address("br0", "192.0.2.1/24");
        node.address("br0", "2001:db8:1::1/64");
        node.address("ext0", "203.0.113.1/24");
        node.address("ext0", "2001:db8:3::1/64");
        vm.address("eth0", "192.0.2.3/24");
        vm.address("eth0", "2001:db8:1::3/64");
        vm.route("default", "192.0.2.1");
        vm.route("default", "2001:db8:1::1");
        other.address("eth0", "203.0.113.2/24");
        other.address("eth0", "2001:db8:3::2/64");
        other.route("default", "203.0.113.1");
        other.route("default", "2001:db8:3::1");
        // Links and IPv6 addresses become usable with a delay.
        if (!vm_passes() || !eventually(10s, [&] { return ping("203.0.113.2") && ping("2001:db8:3::2"); }) ||
            !is_bridged())
            throw std::runtime_error("the bridged router does not forward");
    }
    [[nodiscard]] plan::GuardPlan plan() const {
        auto plan = Router::plan();
        plan.ports[0].devices = {"cli0", "br0"};
        plan.ports[0].bridges = {"br0"};
        plan.ports[0].stack_device = "br0";
        return plan;
    }
    static bool ping_from(const Namespace &from, const std::string &address) {
        return from.run({"ping", "-n", "-c", "1", "-W", "1", address}).code == 0;
    }
    [[nodiscard]] bool vm_passes() const {
        return eventually(10s,
                          [&] { return ping_from(vm, "203.0.113.2") && ping_from(vm, "2001:db8:3::2"); });
    }
    /// Neither IPv4 nor IPv6.
    [[nodiscard]] bool vm_is_blocked() const {
        return !ping_from(vm, "203.0.113.2") && !ping_from(vm, "2001:db8:3::2");
    }
    /// Any packet of the endpoint, to the network that a VM may reach.
    [[nodiscard]] bool client_passes() const { return ping("203.0.113.2") || ping("2001:db8:3::2"); }
    [[nodiscard]] bool is_bridged() const {
        return eventually(10s, [&] {
            return ping_from(vm, "192.0.2.2") && ping_from(vm, "2001:db8:1::2") && ping("192.0.2.3");
        });
    }
    /// nft rules that count packets of the VM and of the other network that leave the node with bits of the guard's mask.
    void count_marks() const {
        for (const std::string family : {"inet", "bridge"}) {
            const auto rule = [&](const std::string &source) {
                return "; add rule " + family + " seen post " + source +
                       " meta mark and 0x0fff0000 != 0 counter name marked";
            };
            node.must({"nft", "add table " + family + " seen; add counter " + family +
                                  " seen marked; add chain " + family +
                                  " seen post { type filter hook postrouting priority 100; }" +
                                  rule("ip saddr { 192.0.2.3, 203.0.113.2 }") +
                                  rule("ip6 saddr { 2001:db8:1::3, 2001:db8:3::2 }")});
        }
    }
    [[nodiscard]] bool is_marked() const {
        const auto counters = node.must({"nft", "list", "counters"});
        return counters.find("marked") == std::string::npos ||
               counters.find("packets 0", counters.find("marked")) == std::string::npos;
    }

    Namespace vm, other;
};

} // namespace

TEST_CASE("guard: other ports of an endpoint's bridge are forwarded as before, with any part of the guard "
          "removed") {
    need_root();
    const auto call_iptables = GENERATE("0", "1");
    CAPTURE(call_iptables);
    const BridgedRouter router(call_iptables);
    const auto &node = router.node;
    NodeGuard guard(router);
    guard.install(router.plan());
    guard.set_magic(magic);
    CHECK(router.vm_passes());
    CHECK(router.is_bridged());
    CHECK(guard.uninspected() == 0);
    CHECK_FALSE(router.client_passes());
    CHECK(guard.uninspected() >= 2);
    CHECK(guard.check().repaired.empty());
    CHECK(guard.check().conditions.empty());
    const auto others_pass = [&] { return router.vm_passes() && router.is_bridged(); };

    SECTION("filter removed: the port's name is known in the bridge") {
        node.must({"tc", "qdisc", "del", "dev", "cli0", "clsact"});
        CHECK_FALSE(router.client_passes());
        CHECK(others_pass());
    }
    SECTION("port created again") {
        node.must({"ip", "link", "del", "cli0"});
        veth(node, "cli0", router.client, "eth0");
        node.must({"ip", "link", "set", "cli0", "master", "br0"});
        router.client.address("eth0", "192.0.2.2/24");
        router.client.address("eth0", "2001:db8:1::2/64");
        router.client.route("default", "192.0.2.1");
        router.client.route("default", "2001:db8:1::1");
        router.vm.must({"ip", "neigh", "flush", "dev", "eth0"});
        CHECK_FALSE(router.client_passes());
        CHECK(others_pass());
        CHECK(router.ping("192.0.2.1"));
    }
    SECTION("nftables flushed: the filter's mark selects the blackhole rule") {
        node.must({"nft", "flush", "ruleset"});
        CHECK_FALSE(router.client_passes());
        CHECK(others_pass());
        CHECK(guard.check().repaired == std::vector<std::string>{"nftables table inet glb"});
        CHECK_FALSE(router.client_passes());
        CHECK(others_pass());
    }
    SECTION("routing rules removed") {
        node.must({"ip", "rule", "flush"});
        node.must({"ip", "rule", "add", "priority", "32766", "lookup", "main"});
        CHECK_FALSE(router.client_passes());
        CHECK(others_pass());
    }
    SECTION("table of the bridge family removed: nothing passes until it is restored") {
        const std::string change = GENERATE("delete table bridge glb", "flush chain bridge glb prerouting");
        CAPTURE(change);
        node.must({"nft", change});
        CHECK_FALSE(router.client_passes());
        CHECK(router.vm_is_blocked());
        CHECK(guard.check().repaired == std::vector<std::string>{"nftables table bridge glb"});
        CHECK_FALSE(router.client_passes());
        CHECK(others_pass());
    }
    SECTION("guard removed") {
        guard.remove();
        CHECK(node.must({"nft", "list", "tables"}).empty());
        CHECK(router.client_passes());
        CHECK(others_pass());
    }
}

TEST_CASE("guard: packets of other ports leave the node without the guard's marks") {
    need_root();
    const auto call_iptables = GENERATE("0", "1");
    CAPTURE(call_iptables);
    const BridgedRouter router(call_iptables);
    NodeGuard guard(router);
    guard.install(router.plan());
    router.count_marks();
    CHECK(router.vm_passes());
    CHECK_FALSE(router.is_marked());
    CHECK(eventually(10s, [&] { return BridgedRouter::ping_from(router.other, "192.0.2.3"); }));
    CHECK_FALSE(router.is_marked());
}

TEST_CASE("punt path: a punted packet of a bridge's port passes by its mark, and not without it") {
    need_root();
    const auto call_iptables = GENERATE("0", "1");
    CAPTURE(call_iptables);
    const BridgedRouter router(call_iptables);
    NodeGuard guard(router);
    guard.install(router.plan());
    const PuntForger client_side(router.node, "cli0", magic);
    guard.set_magic(magic + 1);
    CHECK_FALSE(router.client_passes());
    guard.set_magic(magic);
    CHECK(router.client_passes());
    CHECK(router.vm_passes());
    const std::string family = GENERATE("inet", "bridge");
    CAPTURE(family);
    router.node.must({"nft", "add table " + family + " host; add chain " + family +
                                 " host c { type filter hook prerouting priority 100; }; add rule " + family +
                                 " host c meta mark set 0"});
    // A punted packet enters by the bridge itself, and passes none of its hooks.
    CHECK(router.client_passes() == (family == "bridge"));
    CHECK(router.vm_is_blocked());
    router.node.must({"nft", "delete", "table", family, "host"});
    CHECK(router.vm_passes());
}
