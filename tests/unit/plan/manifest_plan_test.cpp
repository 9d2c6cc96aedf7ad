#include <catch2/catch.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <linux/neighbour.h>

#include "controller/plan/manifest_plan.h"

using namespace glb;

namespace {

using Names = std::vector<std::string>;

IpAddress ip(const char *text) {
    return *IpAddress::parse(text);
}

MacAddress mac(std::uint8_t last) {
    return {{2, 0, 0, 0, 0, last}};
}

/// eth0 (2), eth1 (3) with eth1.100 (4, 802.1ad) and eth1.100.7 (5), br0 (6) over eth1.9 (7) on eth1.
Snapshot machine() {
    Snapshot snapshot;
    const auto add = [&](unsigned index, const char *name, unsigned lower = 0, std::uint16_t id = 0,
                         std::uint16_t protocol = 0) {
        Link link;
        link.index = index, link.name = name, link.mac = mac(static_cast<std::uint8_t>(index)),
        link.mtu = 1500;
        link.lower = lower, link.vlan_id = id, link.vlan_protocol = protocol, link.kind = id ? "vlan" : "";
        snapshot.links.push_back(link);
    };
    add(2, "eth0");
    add(3, "eth1");
    add(4, "eth1.100", 3, 100, 0x88a8);
    add(5, "eth1.100.7", 4, 7, 0x8100);
    add(6, "br0");
    snapshot.links.back().kind = "bridge";
    add(7, "eth1.9", 3, 9, 0x8100);
    snapshot.links.back().master = 6;
    snapshot.addresses = {{2, ip("192.0.2.1"), 24}, {4, ip("198.51.100.1"), 24}, {6, ip("203.0.113.1"), 24}};
    return snapshot;
}

void neighbour(Snapshot &snapshot, unsigned ifindex, const char *address, std::uint8_t last,
               std::uint16_t state = NUD_REACHABLE) {
    snapshot.neighbours.push_back({ifindex, ip(address), last ? mac(last) : MacAddress{}, state});
}

struct World {
    Manifest manifest;
    IndexAllocator book;
    Snapshot snapshot = machine();
    std::map<std::string, TargetEntry> fleet;
    std::map<IpAddress, ResolvedPath> paths;

    explicit World(const std::vector<InterfaceRef> &interfaces) {
        manifest.node.tunnel.interface = {"eth0", {}};
        manifest.node.tunnel.address = ip("192.0.2.1");
        TargetGroup group;
        group.name = "g";
        manifest.target_groups.push_back(group);
        Endpoint endpoint;
        endpoint.name = "web";
        endpoint.interfaces = interfaces;
        endpoint.target_group = "g";
        endpoint.route_table = 77;
        manifest.endpoints.push_back(endpoint);
        REQUIRE(book.claim(IndexAllocator::Kind::group, "g"));
        REQUIRE(book.claim(IndexAllocator::Kind::endpoint, "web"));
    }
    void target(const std::string &id, std::uint16_t index, const char *address, std::uint16_t port = 6081) {
        Target target{id, ip(address), port};
        TargetEntry member{"g", "g/" + id, index, 0, target, TargetHealth({}, {}), {}, FailurePolicy::rehash};
        fleet.emplace(member.name, member);
    }
    datapath::BankConfig bank() { return plan_bank(manifest, book, snapshot, {}, fleet, paths, {}); }
};

bool has(const datapath::PortConfig &port, const char *prefix) {
    return std::find(port.addresses.begin(), port.addresses.end(), *IpPrefix::parse(prefix)) !=
           port.addresses.end();
}

} // namespace

TEST_CASE("plan: two-arm has a tunnel's port and an endpoint's", "[node]") {
    World world({{"eth1", {100}}});
    world.manifest.node.own_addresses = {*IpPrefix::parse("198.51.100.128/25")};
    const auto bank = world.bank();
    REQUIRE(bank.ports.size() == 2);
    const auto &tunnel = bank.ports[0];
    CHECK(tunnel.ifindex == 2);
    CHECK(tunnel.tunnel);
    CHECK_FALSE(tunnel.endpoint);
    CHECK(has(tunnel, "192.0.2.1"));
    const auto &port = bank.ports[1];
    CHECK(port.ifindex == 3);
    CHECK(port.vlans == std::array<std::uint16_t, 2>{100, 0});
    CHECK(port.fib_ifindex == 4);
    CHECK(port.endpoint == 0);
    CHECK_FALSE(port.tunnel);
    CHECK(has(port, "198.51.100.1"));
    CHECK(has(port, "198.51.100.128/25"));
    CHECK_FALSE(has(port, "192.0.2.1"));
    REQUIRE(bank.endpoints.size() == 1);
    CHECK(bank.endpoints[0].route_table == 77);
}

TEST_CASE("plan: one-arm is one port with both roles, for the guard too", "[node]") {
    World world({InterfaceRef{"eth0", {}}});
    const auto bank = world.bank();
    REQUIRE(bank.ports.size() == 1);
    CHECK(bank.ports[0].tunnel);
    CHECK(bank.ports[0].endpoint == 0);
    const auto plan = plan_guard(world.manifest, world.book, world.snapshot, nullptr);
    REQUIRE(plan.ports.size() == 1);
    CHECK(plan.ports[0].is_guarded());
    CHECK(plan.ports[0].route_table == 77);
}

TEST_CASE("plan: a VLAN without a device is the interface's own, an absent interface has no port", "[node]") {
    World world({{"eth1", {55}}, {"eth9", {}}});
    const auto bank = world.bank();
    REQUIRE(bank.ports.size() == 2);
    CHECK(bank.ports[1].fib_ifindex == 3);
    CHECK(bank.ports[1].macs == std::vector<MacAddress>{mac(3)});
    const auto plan = plan_guard(world.manifest, world.book, world.snapshot, nullptr);
    REQUIRE(plan.ports.size() == 3); // guarded before it appears
    for (const auto &port : plan.ports) {
        if (port.interface == "eth9") {
            CHECK(port.ifindex == 0);
            CHECK(port.devices == Names{"eth9"});
            CHECK(port.is_guarded());
        }
        if (port.interface == "eth1")
            CHECK(port.devices == Names{"eth1.55"}); // should somebody make it
        if (port.interface == "eth0")
            CHECK_FALSE(port.is_guarded());
    }
}

TEST_CASE("plan: a bridge has the routes and addresses of its port", "[node]") {
    World world({{"eth1", {9}}});
    CHECK(device_of(world.snapshot, {"eth1", {9}}) == 6);
    CHECK(device_of(world.snapshot, {"eth1", {55}}) == 0);
    CHECK(device_of(world.snapshot, {"eth9", {}}) == 0);
    CHECK(has(world.bank().ports.at(1), "203.0.113.1"));
    CHECK(plan_guard(world.manifest, world.book, world.snapshot, nullptr).ports.at(1).devices ==
          Names{"eth1.9", "br0"});
}

TEST_CASE("plan: the guard names the devices that an absent interface had", "[node]") {
    World world({{"eth1", {9}}, {"eth1", {100}}, {"eth1", {}}});
    std::erase_if(world.snapshot.links, [](const Link &link) { return link.name == "eth1.100"; });
    world.snapshot.links.push_back(world.snapshot.links.front());
    auto &uplink = world.snapshot.links.back(); // eth1.100, as somebody called it
    uplink.index = 4, uplink.name = "uplink", uplink.lower = 3, uplink.vlan_id = 100,
    uplink.vlan_protocol = 0x8100;
    uplink.kind = "vlan";
    const auto known = known_devices(plan_guard(world.manifest, world.book, world.snapshot, nullptr));
    CHECK(known.at("eth1/9") == Names{"eth1.9", "br0"});
    CHECK(known.at("eth1/100") == Names{"uplink"});

    std::erase_if(world.snapshot.links, [](const Link &link) { return link.index >= 3; });
    const auto later = plan_guard(world.manifest, world.book, world.snapshot, known);
    for (const auto &port : later.ports) {
        CHECK(port.ifindex == (port.interface == "eth0" ? 2 : 0));
        if (port.vlans[0] == 9)
            CHECK(port.devices == Names{"eth1.9", "br0"});
        if (port.vlans[0] == 100)
            CHECK(port.devices == Names{"eth1.100", "uplink"});
    }
    CHECK(known_devices(later).at("eth1/100") ==
          Names{"eth1.100", "uplink"}); // and still does after the next start
}

TEST_CASE("plan: targets of one address share an id, their ports are listed once, senders by the path",
          "[node]") {
    World world({InterfaceRef{"eth1", {}}});
    world.target("a", 4, "192.0.2.11");
    world.target("b", 5, "192.0.2.11", 7000);
    world.target("c", 6, "192.0.2.12");
    world.target("d", 7, "192.0.2.13");
    datapath::PathConfig way;
    way.destination = mac(99);
    world.paths[ip("192.0.2.11")] = {way, true, ""};
    world.paths[ip("192.0.2.12")] = {std::nullopt, true, "not resolved"};
    world.paths[ip("192.0.2.13")] = {way, false, ""}; // behind a router
    auto bank = world.bank();
    REQUIRE(bank.targets.size() == 4);
    CHECK(bank.targets[0].address_id == bank.targets[1].address_id);
    CHECK(bank.targets[2].address_id != bank.targets[0].address_id);
    CHECK_FALSE(bank.targets[2].path);
    CHECK(bank.geneve_ports == std::vector<std::uint16_t>{6081, 7000});
    REQUIRE(bank.senders.size() == 2);
    CHECK(bank.senders[0].mac == mac(99));
    CHECK(bank.senders[0].address_id == bank.targets[0].address_id);
    CHECK_FALSE(bank.senders[1].mac);
    world.manifest.node.tunnel.sender_mac = SenderMac::any;
    bank = world.bank();
    REQUIRE(bank.senders.size() == 3);
    CHECK_FALSE(bank.senders[0].mac);
}

TEST_CASE("plan: egress rows have the tags of the wire, each with its own ethertype", "[node]") {
    const auto rows = plan_egress(machine(), {3});
    CHECK(rows.size() == 5);
    CHECK_FALSE(rows.contains(2)); // no carrier
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

TEST_CASE("plan: next hops are resolved neighbours on devices with an egress row, each MAC once", "[node]") {
    auto snapshot = machine();
    neighbour(snapshot, 3, "198.51.100.9", 41);
    neighbour(snapshot, 3, "198.51.100.10", 41);
    neighbour(snapshot, 3, "198.51.100.11", 42, NUD_FAILED);
    neighbour(snapshot, 3, "198.51.100.12", 0);
    neighbour(snapshot, 2, "192.0.2.9", 43);
    const auto hops = plan_next_hops(snapshot, plan_egress(snapshot, {3}));
    REQUIRE(hops.size() == 1);
    CHECK(hops[0].first == 3);
    CHECK(std::memcmp(hops[0].second.destination, mac(41).bytes.data(), 6) == 0);
    CHECK(std::memcmp(hops[0].second.source, mac(3).bytes.data(), 6) == 0);
}

TEST_CASE("paths: the way has MACs, tags and MTU, or says why there is none", "[node]") {
    auto snapshot = machine();
    neighbour(snapshot, 6, "203.0.113.9", 51);
    neighbour(snapshot, 5, "198.51.100.2", 52);
    const auto by = [&](unsigned oif, const char *target, const char *gateway = nullptr, unsigned mtu = 0) {
        RouteAnswer answer;
        answer.oif = oif;
        answer.mtu = mtu;
        if (gateway)
            answer.gateway = ip(gateway);
        return path_by(snapshot, answer, ip(target));
    };
    const auto bridged = by(6, "203.0.113.9");
    REQUIRE(bridged.path);
    CHECK(bridged.on_link);
    CHECK(bridged.path->ifindex == 3);
    CHECK(bridged.path->source == mac(6));
    CHECK(bridged.path->destination == mac(51));
    REQUIRE(bridged.path->tags.size() == 1); // the tag of the bridge's only port
    CHECK(bridged.path->tags[0].id == 9);
    const auto routed = by(5, "192.0.2.200", "198.51.100.2", 1400);
    REQUIRE(routed.path);
    CHECK_FALSE(routed.on_link);
    CHECK(routed.path->mtu == 1400);
    REQUIRE(routed.path->tags.size() == 2);
    CHECK(routed.path->tags[0].eth_proto == 0x88a8);
    CHECK(routed.path->tags[1].id == 7);
    CHECK_THAT(by(3, "192.0.2.77").problem, Catch::Contains("192.0.2.77") && Catch::Contains("not resolved"));
    CHECK_THAT(by(99, "192.0.2.77").problem, Catch::Contains("no interface"));
    RouteAnswer own;
    own.oif = 2;
    own.local = true;
    CHECK_THAT(path_by(snapshot, own, ip("192.0.2.1")).problem, Catch::Contains("own"));
}

TEST_CASE("plan: limits of sources and passive health go into their rows", "[node]") {
    World world(std::vector<InterfaceRef>{{"eth1", {}}});
    auto bank = world.bank();
    CHECK(bank.endpoints.at(0).new_flows_per_second == 0);
    CHECK_FALSE(bank.groups.at(0).passive);
    world.manifest.endpoints[0].new_flows_per_source_per_second = 250;
    world.manifest.target_groups[0].health_check.passive.enabled = true;
    bank = world.bank();
    CHECK(bank.endpoints.at(0).new_flows_per_second == 250);
    CHECK(bank.groups.at(0).passive);
    const auto image = datapath::build_bank(bank);
    REQUIRE(image);
    CHECK(image->endpoints.at(bank.endpoints[0].index).new_flows_per_second == 250);
    CHECK(image->groups.at(bank.groups[0].index).flags == GLB_GROUP_PASSIVE);
}

TEST_CASE("plan: the steering key is a function of the seed alone", "[node]") {
    const std::vector<std::uint8_t> seed{1, 2, 3, 4, 5, 6, 7, 8};
    const auto key = steer_key(seed);
    CHECK(key == steer_key(seed));
    CHECK(key != steer_key({1, 2, 3, 4, 5, 6, 7, 9}));
    // SHA-256 of the seed and a byte 0, then of the seed and a byte 1, by sha256sum.
    CHECK(key[0] == 0x5248358bu);
    CHECK(key[7] == 0x1304c025u);
    CHECK(key[8] == 0xaf9f09bfu);
}
