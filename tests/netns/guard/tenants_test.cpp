// Two tenants with equal addresses. What is punted for one of them never arrives at the other one's server, whatever
// part of the guard is missing or undone by another program.
#include <catch2/catch.hpp>

#include <functional>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/guard/punt.h"
#include "tests/netns/guard/router.h"
#include "tests/netns/guard/tcx.h"

using namespace glb;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr auto server_address = "198.51.100.2", server_address6 = "2001:db8:2::2";
constexpr std::uint32_t table = 77;

// fabric ── under0 node own0 ── own      endpoint 0, by table 77
//                       main0 ── other   endpoint 1, by the main table
// Whatever the fabric sends is punted for endpoint 0, as if a target had returned it.
struct Tenants {
    explicit Tenants(XdpMode mode = XdpMode::native)
        : fabric("grd-fab"), node("grd-node"), own("grd-own"), other("grd-oth") {
        node.sysctl("net/ipv4/ip_forward", "1");
        node.sysctl("net/ipv6/conf/all/forwarding", "1");
        veth(node, "under0", fabric, "eth0");
        for (const auto &[server, device, number] :
             {std::tuple{&own, "own0", "1"}, std::tuple{&other, "main0", "3"}}) {
            veth(node, device, *server, "eth0");
            server->address("eth0", std::string(server_address) + "/24");
            server->address("eth0", std::string(server_address6) + "/64");
            node.must({"ip", "address", "add", std::string("198.51.100.") + number + "/32", "dev", device});
            node.must({"ip", "address", "add", std::string("2001:db8:2::") + number + "/128", "dev", device,
                       "nodad"});
        }
        for (const std::string prefix : {"198.51.100.0/24", "2001:db8:2::/64"}) {
            node.must({"ip", "route", "add", prefix, "dev", "own0", "table", std::to_string(table)});
            node.must({"ip", "route", "add", prefix, "dev", "main0"});
        }
        for (const std::string in_table : {"main", "77"}) // to the senders, for rp_filter
            node.must({"ip", "route", "add", "192.0.2.0/24", "dev", "under0", "table", in_table});
        guard.emplace(*this);
        guard->install(plan());
        guard->set_magic(magic);
        forger.emplace(node, "under0", magic, 0, 0, mode);
        if (mode == XdpMode::generic)
            own_forger.emplace(node, "own0", magic, 0, 1, mode); // would punt it for the other tenant
    }

    [[nodiscard]] plan::GuardPlan plan() const {
        plan::GuardPlan plan;
        for (const auto &[name, endpoint] :
             {std::pair{"main0", 1}, std::pair{"own0", 0}, std::pair{"under0", -1}}) {
            plan::GuardedPort port;
            port.interface = name;
            port.devices = {name};
            port.ifindex = node.ifindex(name);
            if (endpoint >= 0) {
                port.endpoint = static_cast<std::uint16_t>(endpoint);
                port.endpoint_name = name;
                port.route_table = endpoint == 0 ? table : 0;
            }
            plan.ports.push_back(port);
        }
        return plan;
    }

    struct Arrived {
        bool own = false, other = false;
        bool operator==(const Arrived &) const = default;
    };
    /// Sends a packet of each IP version. True for a tenant whose server receives one of them, or, of its own, all.
    [[nodiscard]] Arrived send(bool wait_for_own = false) {
        const auto payload = fmt::format("inspected {}", ++sent);
        Sniffer at_own(own, "eth0"), at_other(other, "eth0");
        const Eth eth{.dst = Mac(mac_text(node, "under0")), .src = Mac(mac_text(fabric, "eth0"))};
        send_frame(fabric, "eth0",
                   Bytes(eth / IPv4{.src = "192.0.2.2", .dst = server_address} / Udp{} / Payload(payload)));
        send_frame(
            fabric, "eth0",
            Bytes(eth / IPv6{.src = "2001:db8:1::2", .dst = server_address6} / Udp{} / Payload(payload)));
        const auto count = [&](Sniffer &sniffer) {
            std::size_t packets = 0;
            for (const auto &seen : sniffer.frames())
                packets +=
                    std::string(seen.bytes.begin(), seen.bytes.end()).find(payload) != std::string::npos;
            return packets;
        };
        (void)eventually(wait_for_own ? 3s : 200ms, [&] { return wait_for_own && count(at_own) == 2; });
        return {count(at_own) == 2, count(at_other) != 0};
    }

    Namespace fabric, node, own, other;
    Bpffs bpffs;
    TempFolder folder;
    GuardPaths paths{bpffs.path() / "guard", folder.path() / "guard.json"};
    std::optional<NodeGuard> guard;
    std::optional<PuntForger> forger, own_forger;
    unsigned sent = 0;
};

constexpr Tenants::Arrived nowhere{}, at_own{.own = true, .other = false};

void flush_rules(const Namespace &node) {
    for (const std::string family : {"-4", "-6"}) {
        node.must({"ip", family, "rule", "flush"});
        node.must({"ip", family, "rule", "add", "from", "all", "lookup", "main", "priority", "32766"});
    }
}

void clear_marks(const Namespace &node) {
    node.must(
        {"nft",
         "add table inet host; add chain inet host pre { type filter hook prerouting priority mangle; }; "
         "add rule inet host pre meta mark set 0"});
}

} // namespace

TEST_CASE("punt path: a tenant's packets arrive at its own server, by an interface of its endpoint") {
    need_root();
    Tenants tenants(GENERATE(XdpMode::native, XdpMode::generic));
    tenants.node.must({"nft", "add table inet seen; add counter inet seen own; "
                              "add chain inet seen f { type filter hook forward priority -400; }; "
                              "add rule inet seen f iifname own0 counter name own"});
    CHECK(tenants.send(true) == at_own);
    CHECK(tenants.node.must({"nft", "list", "counter", "inet", "seen", "own"}).find("packets 2 ") !=
          std::string::npos);
    CHECK(tenants.guard->uninspected() == 0);
    const Sniffer tcpdump_under(tenants.node, "under0"), tcpdump_own(tenants.node, "own0");
    CHECK(tenants.send(true) == at_own);
}

TEST_CASE("punt path: without the filter of either interface no tenant's packet arrives anywhere") {
    need_root();
    Tenants tenants(GENERATE(XdpMode::native, XdpMode::generic));
    REQUIRE(tenants.send(true) == at_own);
    const std::string device = GENERATE("under0", "own0");
    CAPTURE(device);
    tenants.node.must({"tc", "qdisc", "del", "dev", device, "clsact"});
    CHECK(tenants.send() == nowhere);
    (void)tenants.guard->check();
    CHECK(tenants.send(true) == at_own);
}

TEST_CASE("punt path: a tcx program that ends the walk before the guard's filter lets nothing pass") {
    need_root();
    Tenants tenants;
    REQUIRE(tenants.send(true) == at_own);
    const std::string device = GENERATE("under0", "own0");
    CAPTURE(device);
    const auto foreign = TcxProgram::attach(tenants.node, device, TcxCode::pass);
    if (!foreign) {
        WARN("this kernel has no tcx");
        return;
    }
    CHECK(tenants.send() == nowhere);
    const auto conditions = tenants.guard->check().conditions;
    REQUIRE(conditions.size() == 1);
    CHECK(conditions[0].severity == Severity::error);
    CHECK(conditions[0].what == "foreign-tcx");
    CHECK(conditions[0].where.find(device) == 0);
    CHECK(conditions[0].message.find("(foreign)") != std::string::npos);
}

TEST_CASE("punt path: packets whose mark another program clears are dropped and counted") {
    need_root();
    Tenants tenants;
    REQUIRE(tenants.send(true) == at_own);
    clear_marks(tenants.node);
    CHECK(tenants.send() == nowhere);
    CHECK(tenants.guard->uninspected() == 2);
    const auto conditions = tenants.guard->check().conditions;
    REQUIRE(conditions.size() == 1);
    CHECK(conditions[0].what == "foreign-mark");
    CHECK(conditions[0].where.find("in chain pre of table inet host") != std::string::npos);
}

TEST_CASE("punt path: without the routing rules nothing is routed by the main table, and it is counted") {
    need_root();
    Tenants tenants;
    REQUIRE(tenants.send(true) == at_own);
    flush_rules(tenants.node);
    CHECK(tenants.send() == nowhere);
    CHECK(tenants.guard->uninspected() == 2);
    (void)tenants.guard->check();
    CHECK(tenants.send(true) == at_own);
    CHECK(tenants.guard->uninspected() == 2);
}

TEST_CASE("punt path: without the nftables rules nothing arrives, also if another program clears marks") {
    need_root();
    Tenants tenants(GENERATE(XdpMode::native, XdpMode::generic));
    REQUIRE(tenants.send(true) == at_own);
    const bool is_cleared = GENERATE(false, true);
    CAPTURE(is_cleared);
    tenants.node.must({"nft", "flush", "ruleset"});
    if (is_cleared)
        clear_marks(tenants.node);
    CHECK(tenants.send() == nowhere);
    if (is_cleared)
        tenants.node.must({"nft", "delete", "table", "inet", "host"});
    (void)tenants.guard->check();
    CHECK(tenants.send(true) == at_own);
}

TEST_CASE("punt path: packets are dropped while all interfaces of their endpoint are down") {
    need_root();
    Tenants tenants;
    REQUIRE(tenants.send(true) == at_own);
    tenants.node.must({"ip", "link", "set", "own0", "down"});
    CHECK(tenants.send() == nowhere);
    (void)tenants.guard->check();
    CHECK(tenants.send() == nowhere);
    tenants.node.must({"ip", "link", "set", "own0", "up"});
    for (const std::string prefix : {"198.51.100.0/24", "2001:db8:2::/64"})
        tenants.node.must({"ip", "route", "replace", prefix, "dev", "own0", "table", std::to_string(table)});
    (void)tenants.guard->check();
    CHECK(tenants.send(true) == at_own);
}

TEST_CASE("punt path: another MAC of the endpoint's interface is followed") {
    need_root();
    Tenants tenants;
    tenants.node.must({"ip", "link", "set", "own0", "address", "02:00:00:00:00:77"});
    CHECK(tenants.guard->check().repaired.empty());
    CHECK(tenants.send(true) == at_own);
}
