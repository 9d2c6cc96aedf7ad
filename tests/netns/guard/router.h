// Testbed of the guard's tests: a client, a node that forwards, a server.
#pragma once

#include <string>
#include <utility>

#include "controller/guard/diagnostics.h"
#include "controller/guard/guard.h"
#include "tests/harness/must.h"
#include "tests/harness/netns.h"
#include "tests/harness/traffic.h"

namespace glb::test {

using guard::Guard;
using guard::GuardPaths;
using guard::GuardReport;

// client - node - server, both IP versions; the node forwards.
struct Router {
    Router() : client("grd-cli"), node("grd-node"), server("grd-srv") {
        wire_client();
        veth(node, "srv0", server, "eth0");
        node.address("srv0", "198.51.100.1/24");
        node.address("srv0", "2001:db8:2::1/64");
        server.address("eth0", "198.51.100.2/24");
        server.address("eth0", "2001:db8:2::2/64");
        server.route("default", "198.51.100.1");
        server.route("default", "2001:db8:2::1");
        node.sysctl("net/ipv4/ip_forward", "1");
        node.sysctl("net/ipv6/conf/all/forwarding", "1");
    }
    void wire_client() const {
        veth(node, "cli0", client, "eth0");
        node.address("cli0", "192.0.2.1/24");
        node.address("cli0", "2001:db8:1::1/64");
        client.address("eth0", "192.0.2.2/24");
        client.address("eth0", "2001:db8:1::2/64");
        client.route("default", "192.0.2.1");
        client.route("default", "2001:db8:1::1");
    }
    [[nodiscard]] bool ping(const std::string &address) const {
        return client.run({"ping", "-n", "-c", "1", "-W", "1", address}).code == 0;
    }
    [[nodiscard]] bool passes() const { return ping("198.51.100.2") || ping("2001:db8:2::2"); }

    [[nodiscard]] plan::GuardPlan plan(config::WhenDetached when = config::WhenDetached::drop) const {
        plan::GuardPlan plan;
        for (const std::string name : {"cli0", "srv0"}) {
            plan::GuardedPort port;
            port.interface = name;
            port.devices = {name};
            port.ifindex = node.ifindex(name);
            port.endpoint = 0;
            port.endpoint_name = "web";
            port.when_detached = when;
            plan.ports.push_back(port);
        }
        return plan;
    }
    [[nodiscard]] std::string kernel_state() const {
        return node.must({"nft", "list", "ruleset"}) + node.must({"ip", "rule"}) +
               node.must({"ip", "-6", "rule"}) + node.must({"tc", "qdisc", "show"}) +
               node.must({"tc", "filter", "show", "dev", "cli0", "ingress"}) +
               node.must(
                   {"sysctl", "net.ipv4.conf.cli0", "net.ipv4.fwmark_reflect", "net.ipv6.fwmark_reflect"});
    }

    Namespace client, node, server;
    Bpffs bpffs;
    TempFolder folder;
    GuardPaths paths{bpffs.path() / "guard", folder.path() / "guard.json"};
};

/// A guard whose operations run in the node's namespace.
struct NodeGuard {
    /// `testbed` has a `node` and the guard's `paths`.
    template <typename Testbed>
    explicit NodeGuard(const Testbed &testbed)
        : node_(testbed.node), guard_(node_.call([&] { return must(Guard::open(testbed.paths)); })) {}
    void install(const plan::GuardPlan &plan) {
        node_.call([&] { must(guard_.install(plan)); });
    }
    GuardReport check() {
        return node_.call([&] { return guard_.check_and_repair(); });
    }
    std::uint64_t uninspected() {
        return node_.call([&] { return must(guard_.uninspected()).packets; });
    }
    void set_magic(std::uint32_t value) {
        node_.call([&] { must(guard_.set_magic(value)); });
    }
    [[nodiscard]] std::vector<Condition> missing_forwarding() const {
        return node_.call([&] { return guard::missing_forwarding({"cli0", "srv0"}); });
    }
    void remove() {
        node_.call([&] { must(guard_.remove()); });
    }

  private:
    const Namespace &node_;
    Guard guard_;
};

} // namespace glb::test
