// Neighbours, next hops and links change under a running node: it follows, mostly within a second. How soon
// is told as a figure; what is asked here is generous, for the machine may be busy.
#include <csignal>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto followed = 10s;

struct Followed {
    explicit Followed(unsigned appliances = 1)
        : world({.appliances = appliances}), echo(world.server, 7000), udp(world.server, 7001),
          glbd(world.node) {
        glbd.start(world.manifest());
        if (!glbd.wait_healthy(appliances) || !tcp_works(world.client, TwoArm::server_address, 7000, 10s))
            throw std::runtime_error("traffic does not pass: " + glbd.log());
    }

    /// A stream of UDP over the change; the time until 50 packets in a row's time have come back again.
    void drill(const std::string &name, const std::function<void()> &change) {
        UdpStream stream(world.client, TwoArm::server_address, 7001, 1000);
        REQUIRE(eventually(10s, [&] { return stream.back() >= 200; }));
        const auto before = stream.sent();
        change();
        const auto begin = Clock::now();
        const auto served = stream.back() + 50;
        const bool again = eventually(followed, [&] { return stream.back() >= served; });
        const auto took = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
        const auto since = stream.sent() - before;
        const auto tally = stream.finish();
        tell_drill(name, {tally.sent, tally.lost(), took});
        INFO(name << ": " << took << " ms, lost " << tally.lost() << " of " << since << "\n" << glbd.log());
        CHECK(again);
        CHECK(tally.lost() <= since); // none before the change, and none once it is followed
        CHECK(tcp_works(world.client, TwoArm::server_address, 7000, 10s));
    }

    TwoArm world;
    TcpServer echo;
    UdpEcho udp;
    Daemon glbd;
};

void new_mac(const Namespace &ns, const std::string &dev, const std::string &mac) {
    ns.must({"ip", "link", "set", "dev", dev, "address", mac});
}

} // namespace

TEST_CASE("follow: an appliance is replaced under the same address, without a word") {
    need_root();
    Followed it;
    it.drill("appliance replaced", [&] {
        const auto &fw = it.world.appliances.front()->ns();
        fw.sysctl("net/ipv4/conf/eth0/arp_notify", "0");
        new_mac(fw, "eth0", "02:00:00:00:77:01");
    });
}

TEST_CASE("follow: the host behind an endpoint gets another MAC, and tells so by a gratuitous ARP") {
    need_root();
    Followed it;
    std::this_thread::sleep_for(1200ms); // the kernel takes no second word about a neighbour within a second
    it.drill("next hop replaced", [&] {
        it.world.server.sysctl("net/ipv4/conf/eth0/arp_notify", "1");
        new_mac(it.world.server, "eth0", "02:00:00:00:77:02");
    });
}

TEST_CASE("follow: the host behind an endpoint gets another MAC, without a word") {
    need_root();
    Followed it;
    const auto &[node, server] = std::tie(it.world.node, it.world.server);
    // As after minutes in the kernel's own time.
    node.sysctl("net/ipv4/neigh/srv0/base_reachable_time_ms", "1000");
    node.sysctl("net/ipv4/neigh/srv0/delay_first_probe_time", "1");
    node.sysctl("net/ipv4/neigh/srv0/retrans_time_ms", "100");
    node.must({"ip", "neigh", "flush", "dev", "srv0"}); // else the old times go on
    REQUIRE(tcp_works(it.world.client, TwoArm::server_address, 7000, 10s));
    it.drill("next hop replaced in silence", [&] {
        std::this_thread::sleep_for(4s); // the kernel's own use of it is long ago
        server.sysctl("net/ipv4/conf/eth0/arp_notify", "0");
        const auto gateway = mac_of(node, "srv0").to_string();
        // It never asks for the node either, which would tell its MAC.
        server.must({"sh", "-c",
                     "ip link set dev eth0 address 02:00:00:00:77:03 && "
                     "ip neigh replace 198.51.100.1 dev eth0 nud permanent lladdr " +
                         gateway});
    });
}

TEST_CASE("follow: next hops are replaced as objects, without a message about the route") {
    need_root();
    Followed it;
    const auto &node = it.world.node;
    // A second way to the server: another address of the same host, by a next-hop object.
    it.world.server.address("eth0", "198.51.100.21/24");
    it.world.server.must({"ip", "address", "add", "203.0.114.1/32", "dev", "lo"});
    it.world.server.must({"ip", "route", "replace", "default", "via", "198.51.100.1", "src", "203.0.114.1"});
    node.must({"ip", "nexthop", "add", "id", "7", "via", "198.51.100.20", "dev", "srv0"});
    node.must({"ip", "route", "add", "203.0.114.0/24", "nhid", "7"});
    const UdpEcho far(it.world.server, 7002);
    UdpStream stream(it.world.client, "203.0.114.1", 7002, 500);
    REQUIRE(eventually(10s, [&] { return stream.back() >= 100; }));
    node.must({"ip", "nexthop", "replace", "id", "7", "via", "198.51.100.21", "dev", "srv0"});
    const auto begin = Clock::now();
    const auto served = stream.back() + 50;
    CHECK(eventually(followed, [&] { return stream.back() >= served; }));
    const auto took = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    // To a device that is none of ours: the kernel's stack has it, and a blackhole is a blackhole at once.
    node.must({"ip", "nexthop", "replace", "id", "7", "blackhole"});
    CHECK(eventually(followed, [&] {
        const auto before = stream.back();
        std::this_thread::sleep_for(200ms);
        return stream.back() == before;
    }));
    node.must({"ip", "nexthop", "replace", "id", "7", "via", "198.51.100.20", "dev", "srv0"});
    const auto back = stream.back() + 50;
    CHECK(eventually(followed, [&] { return stream.back() >= back; }));
    const auto tally = stream.finish();
    tell_drill("next-hop object replaced", {tally.sent, tally.lost(), took});
}

TEST_CASE("follow: a link goes down and comes up") {
    need_root();
    Followed it;
    it.drill("link lost and back", [&] {
        for (const auto *device : {"srv0", "under0", "cli0"}) {
            it.world.node.must({"ip", "link", "set", device, "down"});
            it.world.node.must({"ip", "link", "set", device, "up"});
        }
        // Addresses of IPv6 go with the link; those of IPv4 and their routes stay.
    });
    CHECK(eventually(20s, [&] { return it.glbd.must_ctl({"status"}).at("ready") == true; }));
}

TEST_CASE("follow: a daemon that slept through ten thousand changes asks for all of it anew") {
    need_root();
    Followed it;
    const auto &node = it.world.node;
    it.glbd.signal(SIGSTOP);
    // Far more messages than any socket's buffer holds.
    const TempFolder folder;
    const auto batch = folder.path() / "batch";
    {
        std::ofstream lines(batch);
        for (int round = 0; round < 10000; round++)
            lines << "route " << (round % 2 ? "del" : "add") << " 203.0.115." << round / 2 % 250 + 1
                  << "/32 via 198.51.100.20\n";
    }
    node.must({"ip", "-batch", batch});
    new_mac(it.world.appliances.front()->ns(), "eth0", "02:00:00:00:77:03");
    it.glbd.signal(SIGCONT);
    UdpStream stream(it.world.client, TwoArm::server_address, 7001, 1000);
    const auto begin = Clock::now();
    CHECK(eventually(followed, [&] { return stream.back() >= 20; }));
    const auto took = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    const auto tally = stream.finish();
    tell_drill("netlink overrun", {tally.sent, tally.lost(), took});
    INFO(it.glbd.log());
    CHECK(tcp_works(it.world.client, TwoArm::server_address, 7000, 10s));
}

TEST_CASE("follow: an interface that is deleted and made again is taken up by the running daemon") {
    need_root();
    Followed it;
    const auto &node = it.world.node;
    std::optional<XdpPass> pass;
    it.drill("interface deleted and made again", [&] {
        node.must({"ip", "link", "del", "srv0"});
        veth(node, "srv0", it.world.server, "eth0");
        // Until then the guard stops what comes in, and counts it, as it should.
        REQUIRE(eventually(10s, [&] {
            return node.must({"ip", "link", "show", "srv0"}).find("xdp") != std::string::npos;
        }));
        node.address("srv0", "198.51.100.1/24");
        it.world.server.address("eth0", "198.51.100.20/24");
        it.world.server.route("default", "198.51.100.1");
        pass.emplace(it.world.server, "eth0");
    });
    CHECK(it.glbd.uninspected() == 0);
    CHECK(it.glbd.log().find("interface srv0 is lost") != std::string::npos);
    CHECK(it.glbd.log().find("interface srv0 reappeared") != std::string::npos);
}
