// Neighbours, next hops and links change under a running node, and the node adapts. The time until traffic
// passes again is recorded, not asserted; the assertions are which packets may be lost and that none is lost
// afterwards.
#include <csignal>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto recovery_timeout = 10s;

struct Fixture {
    explicit Fixture(unsigned appliances = 1)
        : testbed({.appliances = appliances}), echo(testbed.server, 7000), udp(testbed.server, 7001),
          glbd(testbed.node) {
        glbd.start(testbed.manifest());
        if (!glbd.wait_healthy(appliances) || !tcp_works(testbed.client, TwoArm::server_address, 7000, 10s))
            throw std::runtime_error("traffic does not pass: " + glbd.log());
    }

    /// Applies `change` under a UDP stream. Packets may be lost only between the change and the recovery,
    /// which is when 50 more packets have been echoed.
    void recover_from(const std::string &name, const std::function<void()> &change) {
        const LongBacklog backlog;
        UdpStream stream(testbed.client, TwoArm::server_address, 7001, 1000);
        REQUIRE(eventually(10s, [&] { return stream.echoed() >= 200; }));
        const auto sent_before = stream.sent();
        REQUIRE(
            eventually(10s, [&] { return stream.echoed() >= sent_before; })); // none is in flight any more
        change();
        const auto begin = Clock::now();
        const auto echoed = stream.echoed() + 50;
        const bool recovered = eventually(recovery_timeout, [&] { return stream.echoed() >= echoed; });
        const auto took = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
        const auto sent_until_recovery = stream.sent();
        const bool continued = eventually(10s, [&] { return stream.sent() >= sent_until_recovery + 300; });
        const auto tally = stream.finish();
        record_scenario(name, {tally.sent, tally.lost(), took});
        INFO(name << ": " << took << " ms, lost " << tally.lost() << " of " << tally.sent
                  << " packets, datagrams " << sent_before << " to " << sent_until_recovery
                  << " sent during the change\n"
                  << glbd.log());
        CHECK(recovered);
        CHECK(continued);
        CHECK(stream.lost_between(0, sent_before) == 0);
        CHECK(stream.lost_between(sent_until_recovery, tally.sent) == 0);
        CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000, 10s));
    }

    TwoArm testbed;
    TcpServer echo;
    UdpEcho udp;
    Daemon glbd;
};

void new_mac(const Namespace &ns, const std::string &dev, const std::string &mac) {
    ns.must({"ip", "link", "set", "dev", dev, "address", mac});
}

} // namespace

TEST_CASE("network changes: appliance replaced under its address without a gratuitous ARP") {
    need_root();
    Fixture fixture;
    fixture.recover_from("appliance replaced, no ARP announcement", [&] {
        const auto &fw = fixture.testbed.appliances.front()->ns();
        fw.sysctl("net/ipv4/conf/eth0/arp_notify", "0");
        new_mac(fw, "eth0", "02:00:00:00:77:01");
    });
}

TEST_CASE("network changes: host behind an endpoint announces a new MAC address by gratuitous ARP") {
    need_root();
    Fixture fixture;
    std::this_thread::sleep_for(1200ms); // the kernel ignores further ARP updates of a neighbour for a second
    fixture.recover_from("next hop replaced, announced by ARP", [&] {
        fixture.testbed.server.sysctl("net/ipv4/conf/eth0/arp_notify", "1");
        new_mac(fixture.testbed.server, "eth0", "02:00:00:00:77:02");
    });
}

TEST_CASE("network changes: host behind an endpoint changes its MAC address without an announcement") {
    need_root();
    Fixture fixture;
    const auto &[node, server] = std::tie(fixture.testbed.node, fixture.testbed.server);
    // Short neighbour timers, which would be minutes by default.
    node.sysctl("net/ipv4/neigh/srv0/base_reachable_time_ms", "1000");
    node.sysctl("net/ipv4/neigh/srv0/delay_first_probe_time", "1");
    node.sysctl("net/ipv4/neigh/srv0/retrans_time_ms", "100");
    node.must({"ip", "neigh", "flush", "dev", "srv0"}); // existing entries keep the old timers
    REQUIRE(tcp_works(fixture.testbed.client, TwoArm::server_address, 7000, 10s));
    fixture.recover_from("next hop replaced, no ARP announcement", [&] {
        std::this_thread::sleep_for(4s); // the kernel itself no longer uses the entry
        server.sysctl("net/ipv4/conf/eth0/arp_notify", "0");
        const auto gateway = mac_of(node, "srv0").to_string();
        // A permanent entry for the node: an ARP request of the server would reveal its new MAC address.
        server.must({"sh", "-c",
                     "ip link set dev eth0 address 02:00:00:00:77:03 && "
                     "ip neigh replace 198.51.100.1 dev eth0 nud permanent lladdr " +
                         gateway});
    });
}

TEST_CASE("network changes: next-hop object replaced without a route notification") {
    need_root();
    Fixture fixture;
    const auto &node = fixture.testbed.node;
    // A second path to the server: another address of the same host, by a next-hop object.
    fixture.testbed.server.address("eth0", "198.51.100.21/24");
    fixture.testbed.server.must({"ip", "address", "add", "203.0.114.1/32", "dev", "lo"});
    fixture.testbed.server.must(
        {"ip", "route", "replace", "default", "via", "198.51.100.1", "src", "203.0.114.1"});
    node.must({"ip", "nexthop", "add", "id", "7", "via", "198.51.100.20", "dev", "srv0"});
    node.must({"ip", "route", "add", "203.0.114.0/24", "nhid", "7"});
    const UdpEcho far(fixture.testbed.server, 7002);
    const LongBacklog backlog;
    UdpStream stream(fixture.testbed.client, "203.0.114.1", 7002, 500);
    REQUIRE(eventually(10s, [&] { return stream.echoed() >= 100; }));
    const auto sent_before = stream.sent();
    REQUIRE(eventually(10s, [&] { return stream.echoed() >= sent_before; })); // none is in flight any more
    node.must({"ip", "nexthop", "replace", "id", "7", "via", "198.51.100.21", "dev", "srv0"});
    const auto begin = Clock::now();
    const auto replaced = stream.echoed() + 50;
    CHECK(eventually(recovery_timeout, [&] { return stream.echoed() >= replaced; }));
    const auto took = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    const auto sent_until_recovery = stream.sent();
    // The last ones of these may be in flight when the blackhole takes effect; only the first 100 are
    // checked.
    REQUIRE(eventually(10s, [&] { return stream.sent() >= sent_until_recovery + 200; }));
    // A next hop without an interface is left to the kernel's stack, which drops the packets at once.
    node.must({"ip", "nexthop", "replace", "id", "7", "blackhole"});
    CHECK(eventually(recovery_timeout, [&] {
        const auto before = stream.echoed();
        std::this_thread::sleep_for(200ms);
        return stream.echoed() == before;
    }));
    node.must({"ip", "nexthop", "replace", "id", "7", "via", "198.51.100.20", "dev", "srv0"});
    const auto restored = stream.echoed() + 50;
    CHECK(eventually(recovery_timeout, [&] { return stream.echoed() >= restored; }));
    (void)stream.finish();
    CHECK(stream.lost_between(0, sent_before) == 0);
    CHECK(stream.lost_between(sent_until_recovery, sent_until_recovery + 100) == 0);
    // The blackhole is not part of the scenario.
    record_scenario("next-hop object replaced",
                    {sent_until_recovery, stream.lost_between(0, sent_until_recovery), took});
}

TEST_CASE("network changes: all links go down and up again") {
    need_root();
    Fixture fixture;
    fixture.recover_from("links set down and up", [&] {
        for (const auto *device : {"srv0", "under0", "cli0"}) {
            fixture.testbed.node.must({"ip", "link", "set", device, "down"});
            fixture.testbed.node.must({"ip", "link", "set", device, "up"});
        }
        // The kernel removes IPv6 addresses when a link goes down; IPv4 addresses and their routes stay.
    });
    CHECK(eventually(20s, [&] { return fixture.glbd.must_ctl({"status"}).at("ready") == true; }));
}

TEST_CASE("network changes: daemon that missed 10,000 netlink messages reads the whole state again") {
    need_root();
    Fixture fixture;
    const auto &node = fixture.testbed.node;
    fixture.glbd.signal(SIGSTOP);
    // More messages than the netlink socket's buffer holds.
    const TempFolder folder;
    const auto batch = folder.path() / "batch";
    {
        std::ofstream lines(batch);
        for (int round = 0; round < 10000; round++)
            lines << "route " << (round % 2 ? "del" : "add") << " 203.0.115." << round / 2 % 250 + 1
                  << "/32 via 198.51.100.20\n";
    }
    node.must({"ip", "-batch", batch});
    new_mac(fixture.testbed.appliances.front()->ns(), "eth0", "02:00:00:00:77:03");
    fixture.glbd.signal(SIGCONT);
    UdpStream stream(fixture.testbed.client, TwoArm::server_address, 7001, 1000);
    const auto begin = Clock::now();
    CHECK(eventually(recovery_timeout, [&] { return stream.echoed() >= 20; }));
    const auto took = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    const auto tally = stream.finish();
    record_scenario("netlink socket overrun", {tally.sent, tally.lost(), took});
    INFO(fixture.glbd.log());
    CHECK(tcp_works(fixture.testbed.client, TwoArm::server_address, 7000, 10s));
}

TEST_CASE("network changes: running daemon attaches to an interface that was deleted and created again") {
    need_root();
    Fixture fixture;
    const auto &node = fixture.testbed.node;
    std::optional<XdpPass> pass;
    fixture.recover_from("interface deleted and created again", [&] {
        node.must({"ip", "link", "del", "srv0"});
        veth(node, "srv0", fixture.testbed.server, "eth0");
        // Packets received before the program is attached would be dropped and counted by the guard.
        REQUIRE(eventually(10s, [&] {
            return node.must({"ip", "link", "show", "srv0"}).find("xdp") != std::string::npos;
        }));
        node.address("srv0", "198.51.100.1/24");
        fixture.testbed.server.address("eth0", "198.51.100.20/24");
        fixture.testbed.server.route("default", "198.51.100.1");
        pass.emplace(fixture.testbed.server, "eth0");
    });
    CHECK(fixture.glbd.uninspected() == 0);
    CHECK(fixture.glbd.log().find("interface srv0 disappeared") != std::string::npos);
    CHECK(fixture.glbd.log().find("interface srv0 reappeared") != std::string::npos);
}
