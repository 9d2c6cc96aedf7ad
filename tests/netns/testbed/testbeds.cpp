#include "tests/netns/testbed/testbeds.h"

#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>

namespace glb::test {

namespace {

void make_router(const Namespace &ns, const std::vector<std::string> &devices) {
    ns.sysctl("net/ipv4/ip_forward", "1");
    ns.sysctl("net/ipv6/conf/all/forwarding", "1");
    for (const auto &device : devices)
        ns.sysctl("net/ipv4/conf/" + device + "/send_redirects", "0");
}

void configure_host(const Namespace &host, const std::string &v4, const std::string &gateway4,
                    const std::string &v6, const std::string &gateway6) {
    host.address("eth0", v4);
    host.address("eth0", v6);
    host.route("default", gateway4);
    host.must({"ip", "-6", "route", "add", "default", "via", gateway6});
}

void add_hosts_behind(const Namespace &client) {
    client.must({"ip", "route", "add", "local", "203.0.113.0/24", "dev", "lo"});
    client.must({"ip", "-6", "route", "add", "local", "2001:db8:3::/64", "dev", "lo"});
}

std::vector<std::unique_ptr<Appliance>> start_appliances(const Namespace &fabric, const std::string &bridge,
                                                         const TestbedOptions &options) {
    std::vector<std::unique_ptr<Appliance>> appliances;
    for (unsigned number = 1; number <= options.appliances; number++) {
        auto &one = appliances.emplace_back(std::make_unique<Appliance>(number));
        const auto port = fmt::format("port{}", number);
        veth(fabric, port, one->ns(), "eth0", options.underlay_mtu);
        fabric.must({"ip", "link", "set", port, "master", bridge});
        one->ns().address("eth0", one->address() + "/24");
        one->start(options.kind, TwoArm::node_address);
    }
    return appliances;
}

void make_bridge(const Namespace &ns, const std::string &name) {
    ns.must({"ip", "link", "add", name, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"});
    ns.must({"ip", "link", "set", name, "up"});
}

} // namespace

TwoArm::TwoArm(const TestbedOptions &options)
    : client("e2e-client"), node("e2e-node"), server("e2e-server"), fabric("e2e-fabric") {
    wire_hosts(options.underlay_mtu);
    appliances = start_appliances(fabric, "br0", options);
}

void TwoArm::wire_hosts(unsigned underlay_mtu) {
    veth(node, "cli0", client, "eth0");
    veth(node, "srv0", server, "eth0");
    make_bridge(fabric, "br0");
    veth(node, "under0", fabric, "node", underlay_mtu);
    fabric.must({"ip", "link", "set", "node", "master", "br0"});
    // A native redirect to a veth works only if its peer has an XDP program too.
    passes_.push_back(with_xdp_pass(client, "eth0"));
    passes_.push_back(with_xdp_pass(fabric, "node"));
    passes_.push_back(with_xdp_pass(server, "eth0")); // must be the last, see free_server_hook()
    node.address("cli0", "192.0.2.1/24");
    node.address("cli0", "2001:db8:1::1/64");
    node.address("srv0", "198.51.100.1/24");
    node.address("srv0", "2001:db8:2::1/64");
    node.address("under0", fmt::format("{}/24", node_address));
    make_router(node, devices);
    configure_host(client, "192.0.2.10/24", "192.0.2.1", "2001:db8:1::10/64", "2001:db8:1::1");
    configure_host(server, "198.51.100.20/24", "198.51.100.1", "2001:db8:2::20/64", "2001:db8:2::1");
    add_hosts_behind(client);
    node.route("203.0.113.0/24", client_address);
    node.must({"ip", "-6", "route", "add", "2001:db8:3::/64", "via", client_address6});
}

void TwoArm::detach_peer_programs() {
    passes_.clear();
    for (const auto *host : {&client, &server})
        host->must({"ethtool", "-K", "eth0", "gro", "off"});
}

json TwoArm::manifest() const {
    return manifest_of({"cli0", "srv0"}, "under0", appliances);
}

OneArm::OneArm(const TestbedOptions &options)
    : client("e2e-client"), node("e2e-node"), server("e2e-server"), router("e2e-router") {
    veth(router, "rcli", client, "eth0");
    veth(router, "rsrv", server, "eth0");
    make_bridge(router, "br0");
    veth(node, "one0", router, "node", options.underlay_mtu);
    router.must({"ip", "link", "set", "node", "master", "br0"});
    passes_.push_back(with_xdp_pass(router, "node"));
    router.address("rcli", "192.0.2.1/24");
    router.address("rcli", "2001:db8:1::1/64");
    router.address("rsrv", "198.51.100.1/24");
    router.address("rsrv", "2001:db8:2::1/64");
    router.address("br0", "10.1.0.254/24");
    router.address("br0", "2001:db8:10::254/64");
    node.address("one0", fmt::format("{}/24", TwoArm::node_address));
    node.address("one0", "2001:db8:10::1/64");
    make_router(router, {"rcli", "rsrv", "br0"});
    make_router(node, devices);
    configure_host(client, "192.0.2.10/24", "192.0.2.1", "2001:db8:1::10/64", "2001:db8:1::1");
    configure_host(server, "198.51.100.20/24", "198.51.100.1", "2001:db8:2::20/64", "2001:db8:2::1");
    for (const std::string device : {"rcli", "rsrv"})
        for (const std::string version : {"-4", "-6"})
            router.must({"ip", version, "rule", "add", "iif", device, "table", "100"});
    router.must({"ip", "route", "add", "default", "via", TwoArm::node_address, "table", "100"});
    router.must({"ip", "-6", "route", "add", "default", "via", "2001:db8:10::1", "table", "100"});
    node.route("default", "10.1.0.254");
    node.must({"ip", "-6", "route", "add", "default", "via", "2001:db8:10::254"});
    appliances = start_appliances(router, "br0", options);
}

json OneArm::manifest() const {
    return manifest_of({"one0"}, "one0", appliances);
}

json manifest_of(const std::vector<json> &interfaces, const std::string &tunnel,
                 const std::vector<std::unique_ptr<Appliance>> &appliances) {
    auto targets = json::array();
    for (const auto &one : appliances)
        targets.push_back({{"id", one->id()}, {"address", one->address()}});
    const json health = {{"protocol", "HTTP"},     {"port", 80},
                         {"path", "/healthz"},     {"intervalSeconds", 0.5},
                         {"timeoutSeconds", 0.4},  {"healthyThreshold", 2},
                         {"unhealthyThreshold", 2}};
    return {{"version", 1},
            {"node",
             {{"name", "glb-test"},
              {"tunnel", {{"interface", tunnel}, {"address", TwoArm::node_address}}},
              {"flowTable", {{"capacity", 65536}}}}},
            {"endpoints", json::array({{{"name", "branch"},
                                        {"id", "vpce-02b8ee1d4db0c51c4"},
                                        {"interfaces", interfaces},
                                        {"targetGroup", "firewalls"}}})},
            {"targetGroups",
             json::array({{{"name", "firewalls"}, {"healthCheck", health}, {"targets", targets}}})}};
}

std::vector<FlowTuple> random_flows(std::size_t count, std::uint16_t port, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::set<std::pair<std::string, std::uint16_t>> used;
    std::vector<FlowTuple> flows;
    while (flows.size() < count) {
        const bool v6 = flows.size() % 2 == 1;
        const auto host = 1 + random() % 254;
        const auto source = v6 ? fmt::format("2001:db8:3::{:x}", host) : fmt::format("203.0.113.{}", host);
        const auto source_port = static_cast<std::uint16_t>(1024 + random() % 64000);
        if (used.emplace(source, source_port).second)
            flows.push_back(
                {source, v6 ? TwoArm::server_address6 : TwoArm::server_address, source_port, port});
    }
    return flows;
}

void wait_until_idle(const std::function<std::uint64_t()> &count) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::seconds(10);
    auto last = count();
    for (auto since = Clock::now(); Clock::now() < end && Clock::now() - since < milliseconds(300);) {
        std::this_thread::sleep_for(milliseconds(20));
        if (const auto now = count(); now != last) {
            last = now;
            since = Clock::now();
        }
    }
}

std::uint64_t checksum_errors(const Namespace &ns) {
    return ns.call([] {
        std::uint64_t errors = 0;
        // snmp has a line of names and a line of values per protocol; snmp6 has one name and value per line.
        std::ifstream snmp("/proc/thread-self/net/snmp");
        std::string names, values;
        while (std::getline(snmp, names) && std::getline(snmp, values)) {
            std::istringstream name_stream(names), value_stream(values);
            std::string name, value;
            while (name_stream >> name && value_stream >> value)
                if (name == "InCsumErrors")
                    errors += std::stoull(value);
        }
        std::ifstream snmp6("/proc/thread-self/net/snmp6");
        std::string name;
        std::uint64_t value = 0;
        while (snmp6 >> name >> value)
            if (name.ends_with("InCsumErrors"))
                errors += value;
        return errors;
    });
}

bool ping(const Namespace &from, const std::string &to, unsigned count, const std::string &interval) {
    return from.run({"ping", "-q", "-c", std::to_string(count), "-i", interval, "-W", "1", to}).code == 0;
}

} // namespace glb::test
