// The rig as a router: a namespace with the interfaces lan0 and wan0, and the tunnel's device.
#pragma once

#include <catch2/catch.hpp>

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>

#include "tests/harness/netns.h"
#include "tests/packet/rig.h"

namespace glb::test {

inline const Mac lan_mac = "02:00:00:00:aa:01", lan_gateway = "02:00:00:00:aa:99";
inline const Mac wan_mac = "02:00:00:00:bb:01", wan_gateway = "02:00:00:00:bb:99";

/// Moves the calling thread into a namespace for the lifetime of this object.
class ScopedNamespace {
  public:
    explicit ScopedNamespace(const Namespace &ns)
        : home_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        if (::setns(ns.fd(), CLONE_NEWNET) != 0)
            throw std::runtime_error("setns");
    }
    ~ScopedNamespace() { ::setns(home_.get(), CLONE_NEWNET); }
    ScopedNamespace(const ScopedNamespace &) = delete;
    ScopedNamespace &operator=(const ScopedNamespace &) = delete;

  private:
    Fd home_;
};

/// Packets that are sent and returned: to 198.51.100.20 by lan0, to 198.51.100.30 by wan0.
inline const Packet to_lan = IPv4{} / Udp{} / Payload{from_string("forward me")};
inline const Packet to_lan6 = IPv6{} / Udp{} / Payload{from_string("forward me too")};

struct RoutedRig {
    RoutedRig() : ns("packet"), scope(ns) {
        for (const auto *key : {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"})
            ns.sysctl(key, "1");
        device("tun0", "02:00:00:00:cc:01", "10.0.1.10/24");
        device("lan0", lan_mac.to_string(), "192.0.2.1/24");
        device("wan0", wan_mac.to_string(), "203.0.113.1/24");
        ns.address("lan0", "2001:db8:1::1/64");
        ns.address("wan0", "2001:db8:3::1/64");
        neighbour("lan0", "192.0.2.99", lan_gateway);
        neighbour("lan0", "2001:db8:1::99", lan_gateway);
        neighbour("wan0", "203.0.113.99", wan_gateway);
        ns.route("198.51.100.0/24", "192.0.2.99");
        ns.route("198.51.100.30/32", "203.0.113.99");
        ns.must({"ip", "-6", "route", "add", "2001:db8:2::/64", "via", "2001:db8:1::99"});
        rig.reconfigure([&](auto &config) {
            config.ports[0].fib_ifindex = config.ports[1].fib_ifindex = ns.ifindex("tun0");
        });
        for (const auto *name : {"lan0", "wan0"}) {
            REQUIRE(rig.roles.egress.add_device(ns.ifindex(name)));
            egress(name);
        }
    }

    void device(const std::string &name, const std::string &mac, const std::string &prefix) {
        ns.must({"ip", "link", "add", name, "address", mac, "type", "veth", "peer", "name", name + "p"});
        ns.must({"ip", "link", "set", name, "up"});
        ns.must({"ip", "link", "set", name + "p", "up"});
        ns.address(name, prefix);
    }
    void neighbour(const std::string &dev, const std::string &address, const Mac &mac) {
        ns.must(
            {"ip", "neigh", "replace", address, "lladdr", mac.to_string(), "dev", dev, "nud", "permanent"});
    }
    void egress(const std::string &name, std::uint16_t mtu = 1500) {
        glb_egress row{};
        row.ifindex = ns.ifindex(name);
        row.mtu = mtu;
        set_egress(name, row);
    }
    void set_egress(const std::string &name, const glb_egress &row) {
        egress_rows[ns.ifindex(name)] = row;
        REQUIRE(rig.roles.egress.sync_egress(egress_rows));
    }
    void remove_egress(const std::string &name) {
        egress_rows.erase(ns.ifindex(name));
        REQUIRE(rig.roles.egress.sync_egress(egress_rows));
    }
    /// Gives the neighbour behind `name` a next-hop index, so that flows can cache it.
    void next_hop(std::uint32_t index, const std::string &name, const Mac &source, const Mac &destination) {
        glb_next_hop hop{};
        std::copy(destination.bytes.begin(), destination.bytes.end(), hop.destination);
        std::copy(source.bytes.begin(), source.bytes.end(), hop.source);
        hop.egress.ifindex = ns.ifindex(name);
        hop.egress.mtu = 1500;
        glb_next_hop_key key{};
        key.ifindex = ns.ifindex(name);
        std::copy(destination.bytes.begin(), destination.bytes.end(), key.mac);
        const auto map = [&](datapath::Map of) { return rig.roles.handles->map(of); };
        REQUIRE(bpf_map_update_elem(map(datapath::Map::next_hops), &index, &hop, BPF_ANY) == 0);
        REQUIRE(bpf_map_update_elem(map(datapath::Map::next_hop_ids), &key, &index, BPF_ANY) == 0);
    }

    /// Sends `inner`, then returns it as its target would.
    Outcome round_trip(const Packet &inner) {
        const auto out = rig.send(from_client(inner));
        REQUIRE(out.code == XDP_REDIRECT);
        const unsigned target = out.frame.at(5) == target2_mac.bytes[5];
        return rig.send(returned(target, cookie_of(out.frame), entropy_of(out.frame), inner));
    }

    /// The packet is punted: unchanged, with metadata in front, for a MAC that only the guard replaces.
    void check_punted(const Packet &inner) {
        const auto outcome = round_trip(inner);
        CHECK(outcome.code == XDP_PASS);
        CHECK_THAT(outcome.metadata, equals(from_hex("ed5eed5e 03000000"))); // magic, endpoint
        CHECK_THAT(truncated(outcome.frame, 6), equals(Bytes(punt_mac.bytes.begin(), punt_mac.bytes.end())));
        CHECK_THAT(Bytes(outcome.frame.begin() + 14, outcome.frame.end()), equals(inner.bytes()));
        CHECK(rig.count(GLB_COUNT_PUNTED) == 1);
        CHECK(rig.count(GLB_COUNT_FORWARDED) == 0);
    }
    std::vector<glb_event> events() {
        std::vector<glb_event> all;
        REQUIRE(rig.roles.events.poll([&](const glb_event &event) { all.push_back(event); }));
        return all;
    }

    Namespace ns;
    ScopedNamespace scope;
    Rig rig;
    datapath::EgressWriter::EgressRows egress_rows; ///< installed
};

/// The expected frame: the packet with its TTL decremented, between these MACs.
template <typename Ip>
Bytes forwarded_frame(const Mac &destination, const Mac &source, Ip ip, const Packet &rest) {
    if constexpr (std::is_same_v<Ip, IPv4>)
        --ip.ttl;
    else
        --ip.hop_limit;
    return (Eth{.dst = destination, .src = source} / ip / rest).bytes();
}

} // namespace glb::test
