// The manifest as plain values, with all defaults filled in. The members are documented in
// docs/reference/manifest.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/config/policies.h"
#include "controller/util/address.h"
#include "controller/util/interface_ref.h"

namespace glb::config {

/// Limits of one document. The data path's tables have these sizes.
namespace manifest_limits {
inline constexpr std::size_t interface_pairs = 1024; ///< (interface, VLAN) pairs of endpoints and tunnel
inline constexpr std::size_t endpoints = 256;
inline constexpr std::size_t target_groups = 64;
inline constexpr std::size_t targets = 4096; ///< in all groups
inline constexpr std::size_t own_addresses = 1024;
} // namespace manifest_limits
/// Bytes that the encapsulation (GENEVE over IPv4, with options) adds to a packet.
inline constexpr std::uint32_t tunnel_overhead = 68;
inline constexpr std::uint32_t main_route_table = 254; ///< RT_TABLE_MAIN of rtnetlink(7)

// Enumerators are in the order of their strings in enum_strings.h.
enum class SenderMac : std::uint8_t { on_link, any };
enum class XdpSharing : std::uint8_t { exclusive, shared };
enum class XdpMode : std::uint8_t { native, generic };
enum class EndpointMode : std::uint8_t { routed, inline_pair };
enum class WhenDetached : std::uint8_t { drop, pass };
enum class TooBigWithoutDf : std::uint8_t { drop, fragment };
enum class NonIp : std::uint8_t { pass, drop };
enum class LinkState : std::uint8_t { follow, ignore };
enum class Stickiness : std::uint8_t { tuple5, tuple3, tuple2 };
enum class CookiePolicy : std::uint8_t { hint, strict };
enum class Dialect : std::uint8_t { aws };
enum class Egress : std::uint8_t { node, appliance };
enum class ProbeProtocol : std::uint8_t { tcp, http, https, geneve, none };
enum class UdpChecksum : std::uint8_t { zero, computed };

/// The node's end of the GENEVE tunnels.
struct Tunnel {
    InterfaceRef interface;
    IpAddress address;
    std::optional<IpAddress> address6;
    SenderMac sender_mac = SenderMac::on_link;

    bool operator==(const Tunnel &) const = default;
};

struct Node {
    std::string name; ///< empty: the host name
    Tunnel tunnel;
    std::vector<IpPrefix> own_addresses;
    std::uint32_t mark_mask = 0x0fff0000;
    std::uint32_t flow_table_capacity = 1048576;        ///< entries, before rounding
    std::optional<std::vector<std::uint8_t>> hash_seed; ///< 8 to 32 bytes; nullopt: generated and persisted
    XdpSharing xdp = XdpSharing::exclusive;
    XdpMode xdp_mode = XdpMode::native;

    bool operator==(const Node &) const = default;
};

struct MssClamp {
    enum class Kind : std::uint8_t { automatic, off, fixed };
    Kind kind = Kind::automatic;
    std::uint16_t bytes = 0; ///< with `fixed`: 536 to 8960
    bool operator==(const MssClamp &) const = default;
};

struct Endpoint {
    std::string name;
    std::uint64_t id = 0;
    std::string id_text; ///< spelled as in the manifest, for output
    std::uint64_t attachment_id = 0;
    EndpointMode mode = EndpointMode::routed;
    std::vector<InterfaceRef> interfaces;
    std::uint32_t route_table = main_route_table;
    std::string target_group;
    WhenDetached when_detached = WhenDetached::drop;
    std::optional<MssClamp> mss_clamp; ///< nullopt: not set, no clamping
    TooBigWithoutDf too_big_without_df = TooBigWithoutDf::drop;
    NonIp non_ip = NonIp::pass;
    LinkState link_state = LinkState::follow;
    std::uint32_t new_flows_per_source_per_second = 0; ///< 0: no limit

    bool operator==(const Endpoint &) const = default;
};

/// HTTP status codes from `first` to `last`, inclusive.
struct StatusRange {
    std::uint16_t first = 200;
    std::uint16_t last = 399;
    bool operator==(const StatusRange &) const = default;
};

/// The inner packet of an in-band probe.
struct InBandProbe {
    IpAddress source = *IpAddress::parse("192.0.2.1");
    IpAddress destination = *IpAddress::parse("192.0.2.2");
    std::uint16_t port = 7;

    bool operator==(const InBandProbe &) const = default;
};

/// Health checks by observing the traffic.
struct PassiveCheck {
    bool enabled = false;
    std::optional<std::chrono::milliseconds> window; ///< nullopt: the built-in window

    bool operator==(const PassiveCheck &) const = default;
};

struct HealthCheck {
    ProbeProtocol protocol = ProbeProtocol::tcp;
    std::uint16_t port = 80;
    std::string path = "/";
    std::string host; ///< Host header; empty: the target's address
    std::vector<StatusRange> matcher = {StatusRange{}};
    std::string ca_file; ///< empty: certificates are not verified
    std::chrono::milliseconds timeout{1000};
    std::chrono::milliseconds interval{2000};
    std::uint8_t healthy_threshold = 3;
    std::uint8_t unhealthy_threshold = 3;
    InBandProbe in_band;
    PassiveCheck passive;
    std::uint8_t max_ejected_percent = 50;

    bool operator==(const HealthCheck &) const = default;
};

struct Target {
    std::string id;
    IpAddress address;
    std::uint16_t port = 6081;
    std::uint16_t weight = 1; ///< 0: no new flows
    UdpChecksum udp_checksum = UdpChecksum::zero;

    bool operator==(const Target &) const = default;
};

struct TargetGroup {
    std::string name;
    Stickiness stickiness = Stickiness::tuple5;
    std::chrono::seconds idle_tcp{350};
    std::chrono::seconds idle_other{120};
    std::chrono::seconds deregistration_delay{300};
    FailurePolicy on_unhealthy = FailurePolicy::rehash;
    FailurePolicy on_deregistered = FailurePolicy::rehash;
    AllUnhealthyPolicy on_all_unhealthy = AllUnhealthyPolicy::spread;
    CookiePolicy cookie = CookiePolicy::hint;
    Dialect dialect = Dialect::aws;
    Egress egress = Egress::node;
    HealthCheck health_check;
    std::vector<Target> targets;

    bool operator==(const TargetGroup &) const = default;
};

struct IpfixCollector {
    IpAddress address;
    std::uint16_t port = 4739; ///< assigned to IPFIX by IANA

    bool operator==(const IpfixCollector &) const = default;
};

struct FlowLog {
    std::string file; ///< empty: no file
    std::uint64_t max_bytes = 100u << 20;
    std::uint32_t keep = 5;
    std::chrono::seconds interval{60};
    std::optional<IpfixCollector> ipfix;

    bool operator==(const FlowLog &) const = default;
};

struct Manifest {
    std::uint32_t version = 1;
    Node node;
    std::vector<Endpoint> endpoints;
    std::vector<TargetGroup> target_groups;
    std::optional<FlowLog> flow_log;

    bool operator==(const Manifest &) const = default;
};

} // namespace glb::config
