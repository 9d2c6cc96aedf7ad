// Nothing passes uninspected, whatever an operator, another program or a crash takes away.
#include <algorithm>

#include <catch2/catch.hpp>
#include <fmt/ranges.h>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct Guarded {
    explicit Guarded(const std::string &when_detached = "drop") : echo(world.server, 7000), glbd(world.node) {
        auto manifest = world.manifest();
        manifest["endpoints"][0]["whenDetached"] = when_detached;
        glbd.start(manifest);
        if (!glbd.wait_healthy(1) || !tcp_works(world.client, TwoArm::server_address, 7000, 5s))
            throw std::runtime_error("traffic does not pass: " + glbd.log());
    }

    // Packets from either side that the other one sees, of 40 that are sent both ways; waits until it is all
    // that are `wanted`, or, where none is, for a moment.
    [[nodiscard]] std::size_t passed(std::size_t wanted) {
        Sniffer server(world.server, "eth0"), client(world.client, "eth0");
        const auto marked = [](const Sniffer::Frame &seen) {
            const auto &bytes = seen.bytes;
            const std::string text(bytes.begin(), bytes.end());
            // UDP itself: ICMP errors quote it.
            return !seen.outgoing && bytes.size() >= 58 && (bytes[23] == 17 || bytes[20] == 17) &&
                   text.find("is anybody there") != std::string::npos;
        };
        const Payload payload("is anybody there");
        const Eth up{.dst = mac_of(world.node, "cli0"), .src = mac_of(world.client, "eth0")};
        const Eth down{.dst = mac_of(world.node, "srv0"), .src = mac_of(world.server, "eth0")};
        for (std::uint16_t port = 5000; port < 5010; port++) {
            send_frames(
                world.client, "eth0",
                {up / IPv4{} / Udp{.dport = port} / payload, up / IPv6{} / Udp{.dport = port} / payload});
            send_frames(world.server, "eth0",
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
                    std::count_if(sniffer->frames().begin(), sniffer->frames().end(), marked));
            return wanted && arrived >= wanted;
        });
        return arrived;
    }

    void make_again(const std::string &device, const Namespace &host) {
        world.node.must({"ip", "link", "del", device});
        veth(world.node, device, host, "eth0");
        const bool client_side = device == "cli0";
        world.node.address(device, client_side ? "192.0.2.1/24" : "198.51.100.1/24");
        world.node.address(device, client_side ? "2001:db8:1::1/64" : "2001:db8:2::1/64");
        host.address("eth0", client_side ? "192.0.2.10/24" : "198.51.100.20/24");
        host.address("eth0", client_side ? "2001:db8:1::10/64" : "2001:db8:2::20/64");
        host.route("default", client_side ? "192.0.2.1" : "198.51.100.1");
        host.must(
            {"ip", "-6", "route", "add", "default", "via", client_side ? "2001:db8:1::1" : "2001:db8:2::1"});
    }

    TwoArm world;
    TcpServer echo;
    Daemon glbd;
};

} // namespace

TEST_CASE(
    "guard: with glbd dead traffic goes on; with the programs detached and every pin removed none passes") {
    need_root();
    Guarded it;
    CHECK(it.passed(40) == 40);
    it.glbd.kill9();
    CHECK(it.passed(40) == 40);
    it.glbd.detach_by_hand(it.world.devices);
    CHECK(it.passed(0) == 0);
    it.world.node.must({"nft", "flush", "ruleset"});
    const auto passed = it.passed(0);
    CHECK(passed == 0);
    tell_drill("all programs, pins and rules taken away", {40, passed, {}, "packets", "passed uninspected"});
}

TEST_CASE("guard: with glbd dead nothing passes by an interface that was deleted and made anew") {
    need_root();
    Guarded it;
    it.glbd.kill9();
    it.make_again("cli0", it.world.client);
    it.make_again("srv0", it.world.server);
    CHECK(it.passed(0) == 0);
    CHECK_FALSE(tcp_works(it.world.client, TwoArm::server_address, 7000, 500ms));
}

TEST_CASE("guard: a bridge whose port was away when glbd died is guarded when the port comes back") {
    need_root();
    TwoArm world;
    TcpServer echo(world.server, 7000);
    world.node.must({"ip", "link", "add", "uplink", "type", "bridge"});
    world.node.must({"ip", "link", "set", "uplink", "up"});
    const auto make_again = [&] {
        (void)world.node.run({"ip", "link", "del", "cli0"});
        veth(world.node, "cli0", world.client, "eth0");
        world.node.must({"ip", "link", "set", "cli0", "master", "uplink"});
        world.client.address("eth0", "192.0.2.10/24");
        world.client.route("default", "192.0.2.1");
    };
    make_again();
    world.node.address("uplink", "192.0.2.1/24");
    const auto manifest = world.manifest();
    Daemon glbd(world.node);
    glbd.start(manifest);
    const auto cli0_is_there = [&] {
        const auto document = glbd.must_ctl({"status"});
        const auto &rows = document.at("interfaces");
        return std::any_of(rows.begin(), rows.end(), [](const json &row) {
            return row.at("name") == "cli0" && row.at("attached") == true;
        });
    };
    REQUIRE(cli0_is_there());
    world.node.must({"ip", "link", "del", "cli0"});
    REQUIRE(eventually(10s, [&] { return !cli0_is_there(); }));
    glbd.kill9();
    make_again();
    CHECK_FALSE(tcp_works(world.client, TwoArm::server_address, 7000, 1s));

    world.node.must({"nft", "flush", "ruleset"}); // and for all that the way is open
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000, 5s));
}

TEST_CASE("guard: whenDetached pass lets it pass") {
    need_root();
    Guarded it("pass");
    it.glbd.kill9();
    it.glbd.detach_by_hand(it.world.devices);
    CHECK(it.passed(40) == 40);
    CHECK(tcp_works(it.world.client, TwoArm::server_address, 7000));
}

TEST_CASE("guard: with glbd alive, what was removed is put back, and said") {
    need_root();
    Guarded it;
    const auto &node = it.world.node;
    const auto whole = kernel_state(node, it.world.devices);
    const std::vector<std::vector<std::string>> removals = {
        {"nft", "flush", "ruleset"},
        {"tc", "qdisc", "del", "dev", "cli0", "clsact"},
        {"tc", "filter", "del", "dev", "srv0", "ingress"},
        {"ip", "rule", "flush"},
        {"ip", "-6", "rule", "flush"},
    };
    for (const auto &removal : removals) {
        INFO(fmt::format("{}\n{}", fmt::join(removal, " "), it.glbd.log()));
        const auto restored = it.glbd.must_ctl({"guard"}).at("restored").get<std::uint64_t>();
        node.must(removal);
        INFO(node.must({"ip", "rule"}));
        // `ip rule flush` takes the kernel's own rules as well; those are not glbd's to put back.
        if (removal[0] == "ip")
            for (const auto &[table, priority] : {std::pair{"main", "32766"}, std::pair{"default", "32767"}})
                (void)node.run({"ip", removal[1] == "-6" ? "-6" : "-4", "rule", "add", "from", "all",
                                "lookup", table, "priority", priority});
        CHECK(eventually(10s,
                         [&] { return it.glbd.must_ctl({"guard"}).at("restored") > restored; })); // a second
        CHECK(it.glbd.must_ctl({"guard"}).at("installed") == true);
        CHECK(it.passed(40) == 40);
    }
    it.glbd.kill9();
    it.glbd.detach_by_hand(it.world.devices);
    CHECK(it.passed(0) == 0);
}

TEST_CASE("guard: with glbd alive an interface made anew is taken in again") {
    need_root();
    Guarded it;
    it.make_again("cli0", it.world.client);
    const auto pass = with_xdp_pass(it.world.client, "eth0");
    INFO(it.glbd.log());
    CHECK(eventually(20s, [&] { return tcp_works(it.world.client, TwoArm::server_address, 7000, 1s); }));
    CHECK(it.glbd.must_ctl({"status"}).at("ready") == true);
}
