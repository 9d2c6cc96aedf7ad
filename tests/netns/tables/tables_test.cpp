// Two tenants with identical addresses: each has an endpoint and a routing table, and both share a target
// group.
//
//   red 192.0.2.10 ── red-cli ┐      ┌ red-srv ── 198.51.100.20 red server
//                             │ node │                                         under0 10.1.0.1 ── 10.1.0.11
//                             appliance
//   blue 192.0.2.10 ─ blue-cli┘      └ blue-srv ─ 198.51.100.20 blue server
#include <algorithm>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/sockets.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr auto client_address = "192.0.2.10", server_address = "198.51.100.20";
constexpr auto server_address6 = "2001:db8:2::20";
/// Behind both servers. Only the main table has a route to it, via the red server.
constexpr auto hidden_address = "203.0.113.5", hidden_address6 = "2001:db8:3::5";

void add_route(const Namespace &node, const std::string &prefix, const std::string &arguments) {
    std::vector<std::string> argv{"ip", prefix.find(':') == std::string::npos ? "-4" : "-6", "route", "add",
                                  prefix};
    std::istringstream stream(arguments);
    for (std::string argument; stream >> argument;)
        argv.push_back(argument);
    node.must(argv);
}

void configure_host(const Namespace &host, const std::string &net4, const std::string &net6,
                    unsigned number) {
    host.address("eth0", fmt::format("{}.{}/24", net4, number));
    host.address("eth0", fmt::format("{}::{}/64", net6, number));
    host.route("default", net4 + ".1");
    host.must({"ip", "-6", "route", "add", "default", "via", net6 + "::1"});
}

class Tenant {
  public:
    Tenant(const Namespace &node, const std::string &colour, unsigned route_table)
        : name(colour), table(route_table), client("e2e-" + colour + "-client"),
          server("e2e-" + colour + "-server") {
        veth(node, name + "-cli", client, "eth0");
        veth(node, name + "-srv", server, "eth0");
        passes_.push_back(with_xdp_pass(client, "eth0"));
        passes_.push_back(with_xdp_pass(server, "eth0"));
        configure_host(client, "192.0.2", "2001:db8:1", 10);
        configure_host(server, "198.51.100", "2001:db8:2", 20);
        server.must({"ip", "address", "add", fmt::format("{}/32", hidden_address), "dev", "lo"});
        server.must({"ip", "address", "add", fmt::format("{}/128", hidden_address6), "dev", "lo", "nodad"});
        for (const auto &[side, net4, net6] : std::vector<std::array<std::string, 3>>{
                 {"-cli", "192.0.2", "2001:db8:1"}, {"-srv", "198.51.100", "2001:db8:2"}}) {
            const auto device = name + side;
            node.address(device, net4 + ".1/24");
            node.address(device, net6 + "::1/64");
            const auto arguments = fmt::format("dev {} table {}", device, table);
            add_route(node, net4 + ".0/24", arguments);
            add_route(node, net6 + "::/64", arguments);
            node.sysctl("net/ipv4/conf/" + device + "/send_redirects", "0");
        }
        tcp.emplace(server, std::uint16_t{7000});
        udp.emplace(server, std::uint16_t{7001});
    }

    [[nodiscard]] json endpoint() const {
        return {{"name", name},
                {"id", fmt::format("0x{:x}", table)},
                {"interfaces", {name + "-cli", name + "-srv"}},
                {"routeTable", table},
                {"targetGroup", "firewalls"}};
    }

    /// Sends `count` datagrams of `bytes` without DF. Returns how many the server received.
    [[nodiscard]] std::size_t send_datagrams(unsigned count, std::size_t bytes) {
        const auto before = udp->received();
        for (unsigned i = 0; i < count; i++)
            client.call([&] {
                const auto socket = make_socket(AF_INET, SOCK_DGRAM);
                const int without_df = IP_PMTUDISC_DONT;
                ::setsockopt(socket.get(), IPPROTO_IP, IP_MTU_DISCOVER, &without_df, sizeof without_df);
                const SocketAddress to(server_address, 7001);
                const std::string text(bytes, 'x');
                (void)!::sendto(socket.get(), text.data(), text.size(), 0, to.raw(), to.length);
            });
        (void)eventually(2s, [&] { return udp->received() >= before + count; });
        return udp->received() - before;
    }

    std::string name;
    unsigned table;
    Namespace client, server;
    std::optional<TcpServer> tcp;
    std::optional<UdpEcho> udp;

  private:
    std::vector<XdpPass> passes_;
};

struct Tenants {
    Tenants() : node("e2e-node"), appliance(1), red(node, "red", 1001), blue(node, "blue", 1002) {
        veth(node, "under0", appliance.ns(), "eth0", 1600);
        pass.emplace(with_xdp_pass(appliance.ns(), "eth0"));
        node.address("under0", "10.1.0.1/24");
        appliance.ns().address("eth0", "10.1.0.11/24");
        appliance.start(ApplianceKind::hairpin, "10.1.0.1");
        node.sysctl("net/ipv4/ip_forward", "1");
        node.sysctl("net/ipv6/conf/all/forwarding", "1");
        add_route(node, "203.0.113.0/24", fmt::format("via {} dev red-srv", server_address));
        add_route(node, "2001:db8:3::/64", fmt::format("via {} dev red-srv", server_address6));
    }
    [[nodiscard]] json manifest() const {
        auto manifest = manifest_of({}, "under0", {});
        manifest["targetGroups"][0]["targets"] = json::array({{{"id", "fw-1"}, {"address", "10.1.0.11"}}});
        manifest["endpoints"] = json::array({red.endpoint(), blue.endpoint()});
        return manifest;
    }
    Namespace node;
    Appliance appliance;
    Tenant red, blue;
    std::optional<XdpPass> pass;
};

/// The lines of `ip rule` for the endpoints' tables.
std::multiset<std::string> endpoint_rules(const Namespace &node, const std::string &version) {
    std::istringstream lines(node.must({"ip", version, "rule"}));
    std::multiset<std::string> rules;
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("110:") || line.starts_with("111:"))
            rules.insert(line);
    return rules;
}

bool any_contains(const std::multiset<std::string> &lines, const std::string &part) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string &line) { return line.find(part) != std::string::npos; });
}

} // namespace

TEST_CASE("route tables: identical tuples of two tenants are two flows, each forwarded to its own server") {
    need_root();
    Tenants testbed;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    std::vector<FlowTuple> tuples;
    for (const bool v6 : {false, true})
        tuples.push_back(
            {v6 ? "2001:db8:1::10" : client_address, v6 ? server_address6 : server_address, 40000, 7000});
    TcpFlows red(testbed.red.client), blue(testbed.blue.client);
    REQUIRE(red.open(tuples, 10s) == 2);
    REQUIRE(red.exchange(5s) == 2); // a connection is established before the server accepts it
    CHECK(testbed.red.tcp->accepted() == 2);
    CHECK(testbed.blue.tcp->accepted() == 0);
    REQUIRE(blue.open(tuples, 10s) == 2);
    REQUIRE(blue.exchange(5s) == 2);
    CHECK(testbed.red.tcp->accepted() == 2);
    CHECK(testbed.blue.tcp->accepted() == 2);
    const auto forwarded = glbd.counter("forwarded");
    const auto punted = glbd.counter("punted");
    for (int round = 0; round < 5; round++) {
        CHECK(red.exchange(5s) == 2);
        CHECK(blue.exchange(5s) == 2);
    }
    CHECK(glbd.counter("forwarded") >= forwarded + 40); // four flows, five rounds, one line in each direction
    CHECK(glbd.counter("punted") == punted);

    const auto endpoints_shown = glbd.must_ctl({"endpoints"}).at("endpoints");
    for (const auto &row : endpoints_shown)
        CHECK(row.at("id") == (row.at("name") == "red" ? "0x3e9" : "0x3ea")); // as written in the manifest

    std::map<std::string, unsigned> flows_by_tuple;
    std::set<std::string> endpoints;
    for (const auto &flow : glbd.flows({"--protocol", "tcp"})) {
        flows_by_tuple[flow.at("source").get<std::string>() + " " +
                       flow.at("destination").get<std::string>()]++;
        endpoints.insert(flow.at("endpoint"));
    }
    CHECK(endpoints == std::set<std::string>{"blue", "red"});
    CHECK(flows_by_tuple.size() == 2);
    for (const auto &[tuple, count] : flows_by_tuple) {
        INFO(tuple);
        CHECK(count == 2);
    }
    CHECK(glbd.uninspected() == 0);
}

TEST_CASE("route tables: punted packets are routed by the endpoint's table") {
    need_root();
    Tenants testbed;
    // Longer packets must be fragmented by the kernel's stack.
    for (const auto *tenant : {&testbed.red, &testbed.blue})
        testbed.node.must({"ip", "link", "set", tenant->name + "-srv", "mtu", "1300"});
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    for (auto *tenant : {&testbed.red, &testbed.blue}) {
        auto &other = tenant == &testbed.red ? testbed.blue : testbed.red;
        INFO(tenant->name << "\n" << glbd.log());
        REQUIRE(
            eventually(5s, [&] { return tenant->send_datagrams(1, 100) == 1; })); // resolves the neighbours
        const auto before = other.udp->received();
        const auto punted = glbd.counter("punted");
        CHECK(tenant->send_datagrams(5, 1400) == 5);
        CHECK(glbd.counter("punted") >= punted + 5);
        CHECK(other.udp->received() == before);
        // ICMP errors of the stack reach the tenant's own client.
        const auto expired =
            tenant->client.run({"ping", "-c", "3", "-i", "0.1", "-t", "1", "-W", "1", server_address});
        INFO(expired.output);
        CHECK(expired.output.find("Time to live exceeded") != std::string::npos);
    }
    CHECK(glbd.uninspected() == 0);
}

TEST_CASE(
    "route tables: missing route is unreachable, without fallback to main, and the rules are repaired") {
    need_root();
    Tenants testbed;
    const std::vector<std::string> devices = {"red-cli", "red-srv", "blue-cli", "blue-srv", "under0"};
    const auto before = kernel_state(testbed.node, devices);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    for (const auto *tenant : {&testbed.red, &testbed.blue})
        for (const auto *hidden : {hidden_address, hidden_address6}) {
            const auto answer = tenant->client.run({"ping", "-c", "5", "-i", "0.2", "-W", "1", hidden});
            INFO(tenant->name << ": " << answer.output << glbd.log());
            CHECK(answer.output.find(" 0 received") != std::string::npos);
            const bool unreachable = answer.output.find("Unreachable") != std::string::npos ||
                                     answer.output.find("unreachable") != std::string::npos;
            CHECK(unreachable);
        }
    for (const std::string version : {"-4", "-6"}) {
        const auto rules = endpoint_rules(testbed.node, version);
        CHECK(rules.size() == 4);
        CHECK(any_contains(rules, "lookup 1001"));
        CHECK(any_contains(rules, "unreachable"));
        const auto restored = glbd.must_ctl({"guard"}).at("restored");
        testbed.node.must({"ip", version, "rule", "del", "priority", "111"});
        CHECK(eventually(10s, [&] { return glbd.must_ctl({"guard"}).at("restored") > restored; }));
        CHECK(eventually(10s, [&] { return endpoint_rules(testbed.node, version) == rules; }));
    }
    // A route added later is used, only in its own table.
    add_route(testbed.node, "203.0.113.0/24", fmt::format("via {} dev blue-srv table 1002", server_address));
    CHECK(eventually(5s, [&] { return ping(testbed.blue.client, hidden_address); }));
    CHECK_FALSE(ping(testbed.red.client, hidden_address));

    CHECK(glbd.ctl({"down", "--yes"}).code == 0);
    CHECK(kernel_state(testbed.node, devices) == before);
}
