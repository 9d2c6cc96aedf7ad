// Classification by port: VLANs select the port, the port the endpoint; any number of local addresses and
// MACs.
#include <catch2/catch.hpp>

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include "abi/flow.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

const Packet short_question = IPv4{} / Udp{} / Payload{from_string("a question")};

/// The sample's endpoint 3 untagged, and an endpoint for each of these (outer, inner) VLANs, numbered
/// from 10.
struct Ports : Rig {
    static constexpr std::array<std::array<std::uint16_t, 2>, 5> vlans{
        {{300, 200}, {200, 300}, {300, 0}, {200, 0}, {300, 201}}};

    Ports() {
        reconfigure([](auto &bank) {
            for (std::size_t i = 0; i < vlans.size(); ++i) {
                auto port = bank.ports[0];
                auto endpoint = bank.endpoints[0];
                port.vlans = vlans[i];
                port.endpoint = endpoint.index = static_cast<std::uint16_t>(10 + i);
                endpoint.id = id_of(endpoint.index);
                bank.ports.push_back(port);
                bank.endpoints.push_back(endpoint);
            }
        });
    }
    static std::uint64_t id_of(unsigned endpoint) {
        return endpoint == 3 ? endpoint_id : endpoint_id + endpoint;
    }
    std::uint64_t in(unsigned endpoint) { return roles.counters.endpoint_count(endpoint).value().in.packets; }
    std::uint64_t forwarded(unsigned endpoint) {
        return roles.counters.endpoint_count(endpoint).value().forwarded.packets;
    }
};

/// The endpoint id that a tunnel packet carries.
std::uint64_t endpoint_of(const Bytes &encapsulated) {
    std::uint64_t id = 0;
    for (std::size_t i = 0; i < 8; ++i)
        id = id << 8 | encapsulated.at(outer_offset + 28 + 8 + 4 + i);
    return id;
}

void check_endpoint(Ports &ports, const Packet &tags, unsigned endpoint) {
    CAPTURE(endpoint);
    const auto before = ports.in(endpoint);
    const auto out = ports.send((Eth{.dst = node_mac} / tags / short_question).bytes());
    REQUIRE(out.code == XDP_REDIRECT);
    CHECK(endpoint_of(out.frame) == Ports::id_of(endpoint));
    CHECK(ports.in(endpoint) == before + 1);
}

} // namespace

TEST_CASE("ports: VLAN ids and their order distinguish endpoints", "[ports]") {
    Ports ports;
    check_endpoint(ports, Vlan{300} / Vlan{200}, 10);
    check_endpoint(ports, Vlan{200} / Vlan{300}, 11);
    check_endpoint(ports, Vlan{300}, 12);
    check_endpoint(ports, Vlan{200}, 13);
    check_endpoint(ports, Vlan{300} / Vlan{201}, 14);
    check_endpoint(ports, {}, 3);
    SECTION("any Ethertype of the tags") {
        check_endpoint(ports, Vlan{.id = 300, .tpid = 0x88a8} / Vlan{200}, 10);
        check_endpoint(ports, Vlan{.id = 200, .tpid = 0x88a8} / Vlan{.id = 300, .tpid = 0x88a8}, 11);
    }
    SECTION("a priority tag counts as no tag, outer or inner") {
        check_endpoint(ports, Vlan{0} / Vlan{300}, 12);
        check_endpoint(ports, Vlan{300} / Vlan{0}, 12);
        check_endpoint(ports, Vlan{0} / Vlan{0}, 3);
    }
    SECTION("ids without a port are not classified") {
        for (const auto &tags :
             {Vlan{201} / Vlan{300}, Vlan{300} / Vlan{202}, Vlan{300} / Vlan{300}, Vlan{200} / Vlan{200}})
            CHECK(ports.send((Eth{.dst = node_mac} / tags / short_question).bytes()).code == XDP_PASS);
        CHECK(ports.count(GLB_COUNT_PASSED_OTHER) == 4);
    }
}

TEST_CASE("ports: one tuple at two endpoints is two flows", "[ports]") {
    Ports ports;
    const auto here = ports.send(from_client(short_question));
    const auto there = ports.send((Eth{.dst = node_mac} / Vlan{300} / short_question).bytes());
    REQUIRE(here.code == XDP_REDIRECT);
    REQUIRE(there.code == XDP_REDIRECT);
    CHECK(ports.count(GLB_COUNT_FLOW_NEW) == 2);
    const std::uint32_t slots[] = {cookie_of(here.frame) >> 8, cookie_of(there.frame) >> 8};
    CHECK(slots[0] != slots[1]);
    for (const auto &[slot, endpoint] : {std::pair{slots[0], 3u}, std::pair{slots[1], 12u}}) {
        glb_flow_cold cold{};
        REQUIRE(bpf_map_lookup_elem(ports.roles.handles->map(datapath::Map::flows_cold), &slot, &cold) == 0);
        CHECK(cold.endpoint == endpoint);
    }
    // Returned with each endpoint's id and forwarded for that one; the other flow's cookie is only stale.
    const auto back = [&](unsigned endpoint, std::uint32_t cookie) {
        const bool second = here.frame.at(5) == target2_mac.bytes[5];
        return ports.send((Eth{.dst = node_mac, .src = second ? target2_mac : target_mac} / Vlan{7} /
                           IPv4{.src = second ? "10.0.1.21" : "10.0.1.20", .dst = "10.0.1.10"} /
                           Udp{.sport = entropy_of(here.frame), .dport = 6081, .checksum = 0} /
                           Geneve{.options = aws_options(Ports::id_of(endpoint), 0, cookie)} / short_question)
                              .bytes());
    };
    CHECK_THAT(back(3, cookie_of(here.frame)).metadata, equals(from_hex("ed5eed5e 03000000")));
    CHECK_THAT(back(12, cookie_of(there.frame)).metadata, equals(from_hex("ed5eed5e 0c000000")));
    CHECK(ports.count(GLB_COUNT_COOKIE_STALE) == 0);
    CHECK_THAT(back(12, cookie_of(here.frame)).metadata, equals(from_hex("ed5eed5e 0c000000")));
    CHECK(ports.count(GLB_COUNT_COOKIE_STALE) == 1);
    CHECK(ports.forwarded(3) == 1);
    CHECK(ports.forwarded(12) == 2);
    // A third endpoint does not have this flow.
    CHECK(back(13, cookie_of(here.frame)).code == XDP_DROP);
    CHECK(ports.drops(GLB_DROP_UNKNOWN_FLOW) == 1);
}

namespace {

std::string ipv4(unsigned n) {
    return fmt::format("203.0.113.{}", n);
}
std::string ipv6(unsigned n) {
    return fmt::format("2001:db8:5::{:x}", n);
}
MacAddress mac(unsigned n) {
    return {{2, 0, 0, 0, 0x77, static_cast<std::uint8_t>(n)}};
}

/// Adds three times as many addresses and MACs as fit into a row, numbered from `first`, and two prefixes.
void add_local_addresses(plan::PortConfig &port, unsigned first) {
    for (unsigned n = first; n < first + 3 * GLB_PORT_LOCAL4; ++n)
        port.addresses.push_back(*IpPrefix::parse(ipv4(n)));
    for (unsigned n = first; n < first + 3 * GLB_PORT_LOCAL6; ++n)
        port.addresses.push_back(*IpPrefix::parse(ipv6(n)));
    port.addresses.push_back(*IpPrefix::parse(fmt::format("198.18.{}.0/24", first)));
    port.addresses.push_back(*IpPrefix::parse(fmt::format("2001:db8:{}::/48", 1000 + first)));
    for (unsigned n = first; n < first + 3 * GLB_PORT_MACS; ++n)
        port.macs.push_back(mac(n));
}

} // namespace

TEST_CASE("ports: local addresses and MACs apply to their own port only", "[ports][classify]") {
    Rig rig;
    rig.reconfigure([](auto &config) {
        auto tagged = config.ports[0];
        tagged.vlans = {100, 0};
        add_local_addresses(config.ports[0], 10);
        add_local_addresses(tagged, 110);
        config.ports.push_back(tagged);
    });
    if (GENERATE(false, true))
        rig.apply(); // the other bank has other scopes
    const auto is_own = [&](const Packet &tags, const Packet &ip) {
        return rig.send((Eth{.dst = node_mac} / tags / ip / Udp{}).bytes()).code == XDP_PASS;
    };
    for (const unsigned first : {10u, 110u}) {
        CAPTURE(first);
        const Packet here = first == 10 ? Packet{} : Packet(Vlan{100}),
                     there = first == 10 ? Packet(Vlan{100}) : Packet{};
        for (unsigned n = first; n < first + 3 * GLB_PORT_LOCAL4; ++n) {
            CHECK(is_own(here, IPv4{.dst = ipv4(n).c_str()}));
            CHECK_FALSE(is_own(there, IPv4{.dst = ipv4(n).c_str()}));
        }
        for (unsigned n = first; n < first + 3 * GLB_PORT_LOCAL6; ++n) {
            CHECK(is_own(here, IPv6{.dst = ipv6(n).c_str()}));
            CHECK_FALSE(is_own(there, IPv6{.dst = ipv6(n).c_str()}));
        }
        CHECK(is_own(here, IPv4{.dst = fmt::format("198.18.{}.255", first).c_str()}));
        CHECK_FALSE(is_own(there, IPv4{.dst = fmt::format("198.18.{}.255", first).c_str()}));
        CHECK(is_own(here, IPv6{.dst = fmt::format("2001:db8:{}:ffff::1", 1000 + first).c_str()}));
        CHECK_FALSE(is_own(here, IPv6{.dst = fmt::format("2001:db8:{}::1", 1001 + first).c_str()}));
        CHECK_FALSE(is_own(here, IPv4{.dst = ipv4(first - 1).c_str()}));
        CHECK_FALSE(is_own(here, IPv6{.dst = ipv6(first - 1).c_str()}));
        const auto is_taken = [&](const Packet &tags, unsigned n) {
            return rig.send((Eth{.dst = mac(n).to_string().c_str()} / tags / short_question).bytes()).code ==
                   XDP_REDIRECT;
        };
        for (unsigned n = first; n < first + 3 * GLB_PORT_MACS; ++n) {
            CHECK(is_taken(here, n));
            CHECK_FALSE(is_taken(there, n));
        }
        CHECK_FALSE(is_taken(here, first - 1));
    }
}

TEST_CASE("ports: a frame to the zero MAC is for no port, whether or not MACs have free places",
          "[ports][classify]") {
    Rig rig;
    const unsigned macs = GENERATE(0u, 1u, 3u * GLB_PORT_MACS);
    CAPTURE(macs);
    rig.reconfigure([&](auto &config) {
        config.ports[0].macs.resize(1);
        if (!macs)
            config.ports[0].macs[0] = {}; // as a tun device has
        for (unsigned n = 1; n < macs; ++n)
            config.ports[0].macs.push_back(mac(n));
    });
    const auto out = rig.send((Eth{.dst = "00:00:00:00:00:00"} / short_question).bytes());
    CHECK(out.code == XDP_PASS);
    CHECK(rig.count(GLB_COUNT_ENCAPSULATED) == 0);
}
