// No packet passes uninspected after an operator, another program or a crash removed parts of the guard.
#include <algorithm>

#include <catch2/catch.hpp>
#include <fmt/ranges.h>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    explicit Fixture(const std::string &when_detached = "drop")
        : echo(testbed.server, 7000), glbd(testbed.node) {
        auto manifest = testbed.manifest();
        manifest["endpoints"][0]["whenDetached"] = when_detached;
        glbd.start(manifest);
        if (!glbd.wait_healthy(1) || !tcp_works(testbed.client, TwoArm::server_address, 7000, 5s))
            throw std::runtime_error("traffic does not pass: " + glbd.log());
    }

    static constexpr std::size_t packets = 40;

    /// Sends `packets` packets, half of them in each direction, and returns how many arrive. Waits until
    /// `wanted` have arrived, or 300 ms for 0.
    [[nodiscard]] std::size_t passed(std::size_t wanted) {
        Sniffer server(testbed.server, "eth0"), client(testbed.client, "eth0");
        const auto is_test_packet = [](const Sniffer::Frame &seen) {
            const auto &bytes = seen.bytes;
            const std::string text(bytes.begin(), bytes.end());
            // The packet itself and not an ICMP error that quotes it.
            return !seen.outgoing && bytes.size() >= 58 && (bytes[23] == 17 || bytes[20] == 17) &&
                   text.find("uninspected or not") != std::string::npos;
        };
        const Payload payload("uninspected or not");
        const Eth up{.dst = mac_of(testbed.node, "cli0"), .src = mac_of(testbed.client, "eth0")};
        const Eth down{.dst = mac_of(testbed.node, "srv0"), .src = mac_of(testbed.server, "eth0")};
        static_assert(packets % 4 == 0);
        for (std::uint16_t port = 5000; port < 5000 + packets / 4; port++) {
            send_frames(
                testbed.client, "eth0",
                {up / IPv4{} / Udp{.dport = port} / payload, up / IPv6{} / Udp{.dport = port} / payload});
            send_frames(testbed.server, "eth0",
                        {down / IPv4{.src = TwoArm::server_address, .dst = TwoArm::client_address} /
                             Udp{.dport = port} / payload,
                         down / IPv6{.src = TwoArm::server_address6, .dst = TwoArm::client_address6} /
                             Udp{.dport = port} / payload});
        }
        std::size_t arrived = 0;
        (void)eventually(wanted ? 5s : 300ms, [&] {
            arrived = 0;
            for (auto *sniffer : {&server, &client})
                arrived += static_cast<std::size_t>(
                    std::count_if(sniffer->frames().begin(), sniffer->frames().end(), is_test_packet));
            return wanted && arrived >= wanted;
        });
        return arrived;
    }

    void recreate_interface(const std::string &device, const Namespace &host) {
        testbed.node.must({"ip", "link", "del", device});
        veth(testbed.node, device, host, "eth0");
        const bool client_side = device == "cli0";
        testbed.node.address(device, client_side ? "192.0.2.1/24" : "198.51.100.1/24");
        testbed.node.address(device, client_side ? "2001:db8:1::1/64" : "2001:db8:2::1/64");
        host.address("eth0", client_side ? "192.0.2.10/24" : "198.51.100.20/24");
        host.address("eth0", client_side ? "2001:db8:1::10/64" : "2001:db8:2::20/64");
        host.route("default", client_side ? "192.0.2.1" : "198.51.100.1");
        host.must(
            {"ip", "-6", "route", "add", "default", "via", client_side ? "2001:db8:1::1" : "2001:db8:2::1"});
    }

    TwoArm testbed;
    TcpServer echo;
    Daemon glbd;
};

} // namespace

TEST_CASE("guard: without glbd traffic passes by the attached programs, and without programs and pins none "
          "passes") {
    need_root();
    Fixture fixture;
    CHECK(fixture.passed(Fixture::packets) == Fixture::packets);
    fixture.glbd.kill9();
    CHECK(fixture.passed(Fixture::packets) == Fixture::packets);
    fixture.glbd.force_detach(fixture.testbed.devices);
    CHECK(fixture.passed(0) == 0);
    fixture.testbed.node.must({"nft", "flush", "ruleset"});
    const auto passed = fixture.passed(0);
    CHECK(passed == 0);
    record_scenario("all programs, pins and nftables rules removed",
                    {Fixture::packets, passed, {}, "packets", "passed uninspected"});
}

TEST_CASE("guard: without glbd nothing passes an interface that was deleted and created again") {
    need_root();
    Fixture fixture;
    fixture.glbd.kill9();
    fixture.recreate_interface("cli0", fixture.testbed.client);
    fixture.recreate_interface("srv0", fixture.testbed.server);
    CHECK(fixture.passed(0) == 0);
    CHECK_FALSE(tcp_works(fixture.testbed.client, TwoArm::server_address, 7000, 500ms));
}

TEST_CASE("guard: bridge whose port was missing when glbd died is guarded once the port exists again") {
    need_root();
    TwoArm testbed;
    TcpServer echo(testbed.server, 7000);
    testbed.node.must({"ip", "link", "add", "uplink", "type", "bridge"});
    testbed.node.must({"ip", "link", "set", "uplink", "up"});
    const auto recreate_port = [&] {
        (void)testbed.node.run({"ip", "link", "del", "cli0"});
        veth(testbed.node, "cli0", testbed.client, "eth0");
        testbed.node.must({"ip", "link", "set", "cli0", "master", "uplink"});
        testbed.client.address("eth0", "192.0.2.10/24");
        testbed.client.route("default", "192.0.2.1");
    };
    recreate_port();
    testbed.node.address("uplink", "192.0.2.1/24");
    const auto manifest = testbed.manifest();
    Daemon glbd(testbed.node);
    glbd.start(manifest);
    const auto has_cli0 = [&] {
        const auto document = glbd.must_ctl({"status"});
        const auto &rows = document.at("interfaces");
        return std::any_of(rows.begin(), rows.end(), [](const json &row) {
            return row.at("name") == "cli0" && row.at("attached") == true;
        });
    };
    REQUIRE(has_cli0());
    testbed.node.must({"ip", "link", "del", "cli0"});
    REQUIRE(eventually(10s, [&] { return !has_cli0(); }));
    glbd.kill9();
    recreate_port();
    CHECK_FALSE(tcp_works(testbed.client, TwoArm::server_address, 7000, 1s));

    // Control: without the guard's wall the path works. Its other chains stay, for the punted replies.
    testbed.node.must({"nft", "flush", "chain", "inet", "glb", "forward"});
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000, 5s));
}

TEST_CASE("guard: whenDetached pass lets traffic pass without glbd") {
    need_root();
    Fixture fixture("pass");
    fixture.glbd.kill9();
    fixture.glbd.force_detach(fixture.testbed.devices);
    CHECK(fixture.passed(Fixture::packets) == Fixture::packets);
    CHECK(tcp_works(fixture.testbed.client, TwoArm::server_address, 7000));
}

TEST_CASE("guard: running glbd restores removed parts and counts the repairs") {
    need_root();
    Fixture fixture;
    const auto &node = fixture.testbed.node;

    const std::vector<std::vector<std::string>> removals = {
        {"nft", "flush", "ruleset"},
        {"tc", "qdisc", "del", "dev", "cli0", "clsact"},
        {"tc", "filter", "del", "dev", "srv0", "ingress"},
        {"ip", "rule", "flush"},
        {"ip", "-6", "rule", "flush"},
    };
    for (const auto &removal : removals) {
        INFO(fmt::format("{}\n{}", fmt::join(removal, " "), fixture.glbd.log()));
        const auto restored = fixture.glbd.must_ctl({"guard"}).at("restored").get<std::uint64_t>();
        node.must(removal);
        INFO(node.must({"ip", "rule"}));
        // `ip rule flush` removes the kernel's default rules too, which glbd does not restore.
        if (removal[0] == "ip")
            for (const auto &[table, priority] : {std::pair{"main", "32766"}, std::pair{"default", "32767"}})
                (void)node.run({"ip", removal[1] == "-6" ? "-6" : "-4", "rule", "add", "from", "all",
                                "lookup", table, "priority", priority});
        CHECK(eventually(
            10s, [&] { return fixture.glbd.must_ctl({"guard"}).at("restored") > restored; })); // a second
        CHECK(fixture.glbd.must_ctl({"guard"}).at("installed") == true);
        CHECK(fixture.passed(Fixture::packets) == Fixture::packets);
    }
    fixture.glbd.kill9();
    fixture.glbd.force_detach(fixture.testbed.devices);
    CHECK(fixture.passed(0) == 0);
}

TEST_CASE("guard: running glbd attaches to an interface that was created again") {
    need_root();
    Fixture fixture;
    fixture.recreate_interface("cli0", fixture.testbed.client);
    const auto pass = with_xdp_pass(fixture.testbed.client, "eth0");
    INFO(fixture.glbd.log());
    CHECK(
        eventually(20s, [&] { return tcp_works(fixture.testbed.client, TwoArm::server_address, 7000, 1s); }));
    CHECK(fixture.glbd.must_ctl({"status"}).at("ready") == true);
}
