#include "tests/netns/chaos/tenants.h"

#include <fmt/format.h>

namespace glb::test {

TwoTenants::Tenant::Tenant(const std::string &letter)
    : name(letter), client("chaos-client-" + letter), server("chaos-server-" + letter) {}

TwoTenants::TwoTenants() : node("chaos-node"), fabric("chaos-fabric"), a("a"), b("b") {
    wire(a, "101");
    wire(b, "102");
    fabric.must({"ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"});
    fabric.must({"ip", "link", "set", "br0", "up"});
    fabric.sysctl("net/bridge/bridge-nf-call-iptables", "0");
    veth(node, "under0", fabric, "node", 1600);
    fabric.must({"ip", "link", "set", "node", "master", "br0"});
    passes_.push_back(with_xdp_pass(fabric, "node"));
    node.address("under0", fmt::format("{}/24", TwoArm::node_address));
    node.sysctl("net/ipv4/ip_forward", "1");
    node.sysctl("net/ipv6/conf/all/forwarding", "1");
    for (unsigned number = 1; number <= 3; ++number) {
        auto &one = appliances.emplace_back(std::make_unique<Appliance>(number));
        const auto port = fmt::format("port{}", number);
        veth(fabric, port, one->ns(), "eth0", 1600);
        fabric.must({"ip", "link", "set", port, "master", "br0"});
        one->ns().address("eth0", one->address() + "/24");
        one->start(ApplianceKind::reference, TwoArm::node_address);
        one->ns().must({"nft", "table inet inspection { chain forward { type filter hook forward priority 0; "
                               "ip dscp set cs1; }; }"});
    }
}

void TwoTenants::wire(const Tenant &tenant, const std::string &table) {
    const auto cli = "cli-" + tenant.name, srv = "srv-" + tenant.name;
    veth(node, cli, tenant.client, "eth0");
    veth(node, srv, tenant.server, "eth0");
    passes_.push_back(with_xdp_pass(tenant.client, "eth0"));
    passes_.push_back(with_xdp_pass(tenant.server, "eth0"));
    node.address(cli, "192.0.2.1/24");
    node.address(srv, "198.51.100.1/24");
    node.must({"ip", "route", "add", "192.0.2.0/24", "dev", cli, "table", table});
    node.must({"ip", "route", "add", "198.51.100.0/24", "dev", srv, "table", table});
    tenant.client.address("eth0", "192.0.2.10/24");
    tenant.client.route("default", "192.0.2.1");
    tenant.server.address("eth0", "198.51.100.20/24");
    tenant.server.route("default", "198.51.100.1");
}

json TwoTenants::manifest() const {
    auto manifest = manifest_of({"cli-a", "srv-a"}, "under0", appliances);
    auto &endpoints = manifest["endpoints"];
    endpoints[0]["name"] = "a";
    endpoints[0]["routeTable"] = 101;
    auto other = endpoints[0];
    other["name"] = "b";
    other["id"] = "vpce-02b8ee1d4db0c51c5";
    other["routeTable"] = 102;
    other["interfaces"] = {"cli-b", "srv-b"};
    endpoints.push_back(other);
    auto &group = manifest["targetGroups"][0];
    group["healthCheck"]["passive"] = true;
    group["onAllUnhealthy"] = "drop";
    return manifest;
}

} // namespace glb::test
