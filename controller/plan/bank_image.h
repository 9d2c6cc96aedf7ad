// A configuration bank: what one packet sees of the manifest. Built as a pure function, written as a whole.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "abi/config.h"
#include "abi/flow.h"
#include "controller/util/address.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// An (interface, VLAN) of the manifest; VLAN ids outer first, 0 where there is none.
struct PortConfig {
    std::uint32_t ifindex = 0;
    std::array<std::uint16_t, 2> vlans{};
    bool tunnel = false;
    std::optional<std::uint16_t> endpoint;
    std::uint32_t fib_ifindex = 0;   ///< the kernel's device for it
    std::vector<MacAddress> macs;    ///< its own and those of devices on it
    std::vector<IpPrefix> addresses; ///< the node's own by this port
};

struct EndpointConfig {
    std::uint16_t index = 0;
    std::uint64_t id = 0;
    std::uint64_t attachment = 0;
    std::uint32_t route_table = 0;
    std::uint16_t group = 0;
    std::uint32_t new_flows_per_second = 0; ///< of one source; 0: no limit
};

struct GroupConfig {
    std::uint16_t index = 0;
    std::uint32_t table = GLB_NO_TABLE;
    std::uint32_t previous_table = GLB_NO_TABLE;
    std::uint32_t previous_until = 0; ///< tick
    std::chrono::seconds tcp_timeout{350};
    std::chrono::seconds other_timeout{120};
    std::uint16_t stickiness = GLB_STICK_5;
    bool strict_cookie = false;
    bool passive = false; ///< health from the traffic
};

/// The way to a target: the next hop's MAC and the egress with its tags (id and ethertype, outer first).
struct PathConfig {
    std::uint32_t ifindex = 0;
    MacAddress source;
    MacAddress destination;
    struct Tag {
        std::uint16_t id = 0;
        std::uint16_t eth_proto = 0x8100;
    };
    std::vector<Tag> tags;
    std::uint16_t mtu = 1500; ///< of the IP packet that leaves
};

struct TargetConfig {
    std::uint16_t index = 0;
    std::uint16_t group = 0;
    IpAddress address;
    std::uint16_t port = GLB_GENEVE_PORT;
    std::uint32_t address_id = 0;   ///< equal for equal addresses
    std::optional<PathConfig> path; ///< none while its next hop is not resolved
};

struct SenderConfig {
    IpAddress address;
    std::uint32_t address_id = 0;
    std::optional<MacAddress> mac; ///< checked where given
};

struct BankConfig {
    IpAddress tunnel_address;
    std::optional<IpAddress> previous_address =
        {}; ///< of the tunnel until a moment ago: packets still come back to it
    std::vector<std::uint16_t> geneve_ports{GLB_GENEVE_PORT};
    std::array<std::uint32_t, GLB_NH_KEYS> steer_key{};
    std::vector<PortConfig> ports;
    std::vector<EndpointConfig> endpoints;
    std::vector<GroupConfig> groups;
    std::vector<TargetConfig> targets;
    std::vector<SenderConfig> senders;
};

/// The rows of every banked map, whole, in the order of their index; and what overflows a port's row. The
/// overflow's scopes are those of bank 0: the writer adds the bank.
struct BankImage {
    glb_node node{};
    std::vector<glb_logical_port> ports;
    std::vector<glb_endpoint> endpoints;
    std::vector<glb_endpoint_id> endpoint_ids;
    std::vector<glb_group> groups;
    std::vector<glb_target> targets;
    std::vector<glb_sender> senders;
    std::vector<glb_local_addr_key> own;
    std::vector<glb_local_mac_key> own_macs;
};

/// Fails where a row has no place (more of a kind than abi/limits.h allows, an index out of range, a doubled
/// key), and names it.
[[nodiscard]] Result<BankImage> build_bank(const BankConfig &config);

/// Scope of a port in glb_local_addrs: unique in both banks. `row` is the port's slot.
[[nodiscard]] constexpr std::uint32_t own_scope(std::uint32_t bank, std::uint32_t row) {
    return bank * GLB_PORT_SLOTS + row + 1;
}

} // namespace glb::datapath
