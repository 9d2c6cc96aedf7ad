// Sources from which no router forwards: addresses of the node, and those that are not unicast.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <linux/bpf.h>

#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

const Packet geneve_like = Udp{.sport = 50000, .dport = 6081} / Payload{Bytes(60)};

Packet from(const std::string &source, const Packet &rest = Udp{}) {
    if (source.find(':') == std::string::npos)
        return IPv4{.src = source} / rest;
    return IPv6{.src = source} / rest;
}

Packet to(const std::string &destination, const Packet &rest = Udp{}) {
    if (destination.find(':') == std::string::npos)
        return IPv4{.dst = destination} / rest;
    return IPv6{.dst = destination} / rest;
}

/// A node with these addresses on other interfaces than the rig's.
struct MartianRig : Rig {
    explicit MartianRig(const std::vector<std::string> &addresses = {"203.0.113.1", "2001:db8:3::1"}) {
        reconfigure([&](plan::BankConfig &bank) {
            bank.previous_address = *IpAddress::parse("10.0.1.9");
            for (const auto &address : addresses)
                bank.node_addresses.push_back(*IpAddress::parse(address));
        });
    }

    /// The only effect of the packet is a drop as `martian`.
    void check_martian(const Packet &packet) {
        const auto dropped = drops(GLB_DROP_MARTIAN);
        const auto encapsulated = count(GLB_COUNT_ENCAPSULATED);
        CHECK(send(from_client(packet)).code == XDP_DROP);
        CHECK(drops(GLB_DROP_MARTIAN) == dropped + 1);
        CHECK(count(GLB_COUNT_ENCAPSULATED) == encapsulated);
    }
    void check_inspected(const Packet &packet) {
        const auto encapsulated = count(GLB_COUNT_ENCAPSULATED);
        CHECK(send(from_client(packet)).code == XDP_REDIRECT);
        CHECK(count(GLB_COUNT_ENCAPSULATED) == encapsulated + 1);
        CHECK(drops(GLB_DROP_MARTIAN) == 0);
    }
};

} // namespace

TEST_CASE(
    "martian: endpoint's packets from the node's, loopback, multicast and unspecified addresses are dropped",
    "[classify][martian]") {
    MartianRig rig;
    for (const auto *source : {"10.0.1.10", "10.0.1.9", "203.0.113.1", "127.0.0.1", "127.255.255.255",
                               "0.0.0.0", "224.0.0.1", "239.255.255.255", "255.255.255.255", "2001:db8:3::1",
                               "::", "::1", "ff02::1", "ff0e::1", "::ffff:192.0.2.10"}) {
        CAPTURE(source);
        rig.check_martian(from(source));
        rig.check_martian(from(source, Tcp{.flags = tcp::syn}));
        rig.check_martian(from(source, Payload{Bytes(4)})); // a protocol without ports
    }
    CHECK(rig.count(GLB_COUNT_FLOW_NEW) == 0);
}

TEST_CASE("martian: addresses next to martian ones are inspected", "[classify][martian]") {
    MartianRig rig;
    for (const auto *source :
         {"10.0.1.11",     "10.0.1.8", "203.0.113.2",       "126.255.255.255", "128.0.0.0",
          "0.0.0.1",       "1.0.0.0",  "223.255.255.255",   "240.0.0.1",       "255.255.255.254",
          "2001:db8:3::2", "fc00::1",  "fd00::1",           "feff::1",         "100::1",
          "::2",           "::1:0:0",  "::fffe:192.0.2.10", "0:0:1::",         "0:1::ffff:192.0.2.10"}) {
        CAPTURE(source);
        rig.check_inspected(from(source));
    }
}

TEST_CASE("martian: a forged tunnel packet to a target is dropped, and suspected to be a loop",
          "[classify][martian]") {
    MartianRig rig;
    rig.check_martian(IPv4{.src = "10.0.1.10", .dst = "10.0.1.20"} / geneve_like);
    CHECK(rig.count(GLB_COUNT_LOOP_SUSPECTED) == 1);
    rig.check_martian(IPv4{.src = "10.0.1.10", .dst = "10.0.1.20"} / Udp{.dport = 6082});
    rig.check_martian(IPv4{.src = "203.0.113.1", .dst = "10.0.1.20"} / geneve_like);
    CHECK(rig.count(GLB_COUNT_LOOP_SUSPECTED) == 1);
}

TEST_CASE("martian: any number of the node's addresses is martian, and no other one", "[classify][martian]") {
    std::vector<std::string> all;
    for (unsigned n = 1; n <= 3 * GLB_NODE_ADDRESSES4; ++n)
        all.push_back(fmt::format("203.0.113.{}", 2 * n));
    for (unsigned n = 1; n <= 3 * GLB_NODE_ADDRESSES6; ++n)
        all.push_back(fmt::format("2001:db8:3::{:x}", 2 * n));
    MartianRig rig(all);
    const bool twice = GENERATE(false, true);
    if (twice)
        rig.apply(); // the other bank has other scopes
    for (unsigned n = 1; n <= 3 * GLB_NODE_ADDRESSES4; ++n)
        rig.check_inspected(from(fmt::format("203.0.113.{}", 2 * n + 1)));
    for (unsigned n = 1; n <= 3 * GLB_NODE_ADDRESSES6; ++n)
        rig.check_inspected(from(fmt::format("2001:db8:3::{:x}", 2 * n + 1)));
    for (const auto &address : all) {
        CAPTURE(address);
        rig.check_martian(from(address));
    }
    // They are not local to the endpoint's port: as destinations they are inspected.
    CHECK(rig.send(from_client(to(all.front()))).code == XDP_REDIRECT);
    CHECK(rig.send(from_client(to(all.back()))).code == XDP_REDIRECT);

    // An address that the node has lost is a client's.
    rig.reconfigure([](auto &config) { config.node_addresses.clear(); });
    for (const auto &address : {all.front(), all.back()})
        CHECK(rig.send(from_client(from(address))).code == XDP_REDIRECT);
}

TEST_CASE("martian: return and local traffic come first", "[classify][martian]") {
    MartianRig rig;
    const auto passed = [&](const Packet &packet) { CHECK(rig.send(from_client(packet)).code == XDP_PASS); };
    passed(IPv4{.src = "0.0.0.0", .dst = "255.255.255.255"} / Udp{.sport = 68, .dport = 67}); // DHCP
    passed(IPv6{.src = "::", .dst = "ff02::1:ff00:1"} / Icmp6{});                             // DAD
    passed(IPv4{.src = "203.0.113.1", .dst = "192.0.2.1"} / Udp{}); // the kernel checks the source
    passed(IPv6{.src = "2001:db8:3::1", .dst = "2001:db8:1::1"} / Udp{});
    CHECK(rig.send(from_client(IPv4{.src = "10.0.1.10", .dst = "10.0.1.10"} / geneve_like)).code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_UNKNOWN_SENDER) == 1);
    // On the tunnel's port, which is no endpoint's, they are the kernel's business.
    CHECK(rig.send((Eth{.dst = node_mac} / Vlan{7} / from("203.0.113.1")).bytes()).code == XDP_PASS);
    CHECK(rig.drops(GLB_DROP_MARTIAN) == 0);
}

TEST_CASE("martian: an appliance returns no packet in the node's name", "[martian]") {
    MartianRig rig;
    const auto back = [&](const Outcome &out, const Packet &inner) {
        const unsigned target = out.frame.at(5) == target2_mac.bytes[5];
        return rig.send(returned(target, cookie_of(out.frame), entropy_of(out.frame), inner)).code;
    };
    const auto out = rig.send(from_client(IPv4{} / Udp{}));
    REQUIRE(out.code == XDP_REDIRECT);

    SECTION("without a packet to the martian address there is no flow") {
        CHECK(back(out, IPv4{.src = "10.0.1.10", .dst = "10.0.1.21"} / geneve_like) == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_UNKNOWN_FLOW) == 1);
    }
    SECTION("with one, the other direction of its flow is martian") {
        const IPv4 there{.src = "10.0.1.21", .dst = "10.0.1.10"},
            again{.src = "10.0.1.10", .dst = "10.0.1.21"};
        const auto opened = rig.send(from_client(there / Udp{.sport = 6081, .dport = 50000}));
        REQUIRE(opened.code == XDP_REDIRECT);
        CHECK(back(opened, again / Udp{.sport = 50000, .dport = 6081}) == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_MARTIAN) == 1);
        CHECK(back(opened, there / Udp{.sport = 6081, .dport = 50000}) == XDP_PASS); // punted: no route here
    }
    SECTION("an ICMP error about a flow is martian by its own source") {
        CHECK(back(out, IPv4{.src = "127.0.0.1", .dst = "192.0.2.10"} / icmp_unreachable(13) / IPv4{} /
                            Udp{}) == XDP_DROP);
        CHECK(rig.drops(GLB_DROP_MARTIAN) == 1);
    }
}
