// A TCP connection through the rig between a host behind lan0 and one behind wan0, and its reset.
#pragma once

#include "tests/packet/routed.h"

namespace glb::test {

inline const Mac host_mac = "02:00:00:00:00:77"; ///< of the sender on the endpoint's interface

class Connection {
  public:
    Connection(RoutedRig &routed, bool ipv6, std::uint16_t port = 40000)
        : routed_(routed), ipv6_(ipv6), port_(port) {}

    /// The IP header of a packet from the initiator (behind lan0), or to it.
    [[nodiscard]] Packet ip(bool by_initiator, std::uint8_t ttl = 64) const {
        const auto *near = "198.51.100.20", *far = "198.51.100.30";
        if (ipv6_)
            return by_initiator ? IPv6{.src = "2001:db8:2::20", .dst = "2001:db8:4::30", .hop_limit = ttl}
                                : IPv6{.src = "2001:db8:4::30", .dst = "2001:db8:2::20", .hop_limit = ttl};
        return IPv4{
            .src = by_initiator ? near : far, .dst = by_initiator ? far : near, .ttl = ttl, .df = true};
    }
    [[nodiscard]] Tcp tcp(bool by_initiator, std::uint8_t flags, std::uint32_t seq = 0,
                          std::uint32_t ack = 0) const {
        return {.sport = by_initiator ? port_ : std::uint16_t{80},
                .dport = by_initiator ? std::uint16_t{80} : port_,
                .flags = flags,
                .seq = seq,
                .ack = ack};
    }
    [[nodiscard]] Packet segment(bool by_initiator, std::uint8_t flags, std::uint32_t seq = 0,
                                 std::uint32_t ack = 0) const {
        return ip(by_initiator) / tcp(by_initiator, flags, seq, ack);
    }
    /// The TCP header that the node writes: without options, window and data.
    [[nodiscard]] Tcp expected_tcp(bool by_initiator, std::uint8_t flags, std::uint32_t seq,
                                   std::uint32_t ack = 0, std::uint16_t window = 0) const {
        auto header = tcp(by_initiator, flags, seq, ack);
        header.window = window;
        return header;
    }

    /// The handshake, each segment sent and returned.
    void establish() {
        using namespace glb::test::tcp;
        const auto first = routed_.rig.send(frame(segment(true, syn)));
        REQUIRE(first.code == XDP_REDIRECT);
        target = first.frame.at(5) == target2_mac.bytes[5];
        for (const auto &inner : {segment(true, syn), segment(false, syn | glb::test::tcp::ack),
                                  segment(true, glb::test::tcp::ack)})
            REQUIRE(routed_.round_trip(inner).code == XDP_REDIRECT);
    }
    /// Its target fails in a group with policy `reset`; the other target accepts new flows.
    void fail_target() {
        REQUIRE(routed_.rig.roles.state.set_target_state(target, GLB_TARGET_RESET));
        REQUIRE(routed_.rig.roles.state.set_target_state(1 - target, sample_target_state));
    }

    [[nodiscard]] static Bytes frame(const Packet &inner, const Packet &tags = {}) {
        return (Eth{.dst = node_mac, .src = host_mac} / tags / inner).bytes();
    }
    Outcome send(const Packet &inner, const Packet &tags = {}) {
        return routed_.rig.send(frame(inner, tags));
    }

    /// The expected frame to the sender of a packet from that end.
    [[nodiscard]] Bytes answer(bool by_initiator, const Tcp &header, const Packet &tags = {}) const {
        return (Eth{.dst = host_mac, .src = node_mac} / tags / ip(!by_initiator) / header).bytes();
    }
    /// The expected frame to the far end.
    [[nodiscard]] Bytes forwarded_frame(bool by_initiator, const Packet &inner) const {
        return (by_initiator ? Eth{.dst = wan_gateway, .src = wan_mac} / inner
                             : Eth{.dst = lan_gateway, .src = lan_mac} / inner)
            .bytes();
    }

    unsigned target = 0; ///< of the connection, once established

  private:
    RoutedRig &routed_;
    bool ipv6_;
    std::uint16_t port_;
};

/// A routed rig with a route to the connection's IPv6 host behind wan0, and the endpoint on VLAN 100 and on
/// 200 in 300, too.
struct ResetRig : RoutedRig {
    ResetRig() {
        neighbour("wan0", "2001:db8:3::99", wan_gateway);
        ns.must({"ip", "-6", "route", "add", "2001:db8:4::/64", "via", "2001:db8:3::99"});
        rig.reconfigure([&](auto &config) {
            auto tagged = config.ports[0];
            tagged.vlans = {100, 0};
            auto twice = config.ports[0];
            twice.vlans = {300, 200};
            config.ports.push_back(tagged);
            config.ports.push_back(twice);
        });
    }
};

} // namespace glb::test
