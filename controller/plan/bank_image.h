// A configuration bank: the rows that the data path reads for one packet. Built by a pure function, written
// as a whole.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "abi/config.h"
#include "abi/flow.h"
#include "controller/network/path.h"
#include "controller/network/snapshot.h"
#include "controller/util/address.h"
#include "controller/util/result.h"

namespace glb::plan {

/// An (interface, VLAN) of the manifest.
struct PortConfig {
    std::uint32_t ifindex = 0;
    std::array<std::uint16_t, 2> vlans{}; ///< outermost first, 0: none
    bool tunnel = false;
    std::optional<std::uint16_t> endpoint;
    std::uint32_t fib_ifindex = 0;   ///< the kernel device that has its routes; 0: `ifindex`
    std::vector<MacAddress> macs;    ///< of the interface and of devices on it
    std::vector<IpPrefix> addresses; ///< local for packets received on this port
};

struct EndpointConfig {
    std::uint16_t index = 0;
    std::uint64_t id = 0;
    std::uint64_t attachment = 0;
    std::uint32_t route_table = 0;
    std::uint16_t group = 0;
    std::uint32_t new_flows_per_second = 0; ///< per source; 0: no limit
    std::uint16_t mtu = 65535;              ///< the largest of its interfaces; 65535: not known
    bool punt = false;                      ///< the host stack has to forward its packets
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
    bool passive = false; ///< passive health checks
};

struct TargetConfig {
    std::uint16_t index = 0;
    std::uint16_t group = 0;
    IpAddress address;
    std::uint16_t port = GLB_GENEVE_PORT;
    std::uint32_t address_id = 0;      ///< same for targets with equal addresses
    std::optional<network::Path> path; ///< nullopt: next hop not resolved
};

struct SenderConfig {
    IpAddress address;
    std::uint32_t address_id = 0;
    std::optional<MacAddress> mac; ///< nullopt: not verified
};

struct BankConfig {
    IpAddress tunnel_address;
    std::uint32_t mark_mask = 0;
    bool has_tunnel_address = true; ///< it is on an interface that is up
    std::optional<IpAddress>
        previous_address;                  ///< of the tunnel before a change: packets may still return to it
    std::vector<IpAddress> node_addresses; ///< of all interfaces; those of the tunnel may be absent
    std::vector<network::RouteMtu> route_mtus;
    std::vector<std::uint16_t> geneve_ports{GLB_GENEVE_PORT};
    std::array<std::uint32_t, GLB_NH_KEYS> steer_key{};
    std::vector<PortConfig> ports;
    std::vector<EndpointConfig> endpoints;
    std::vector<GroupConfig> groups;
    std::vector<TargetConfig> targets;
    std::vector<SenderConfig> senders;
};

/// All rows of every banked map by index, and the local addresses and MACs that do not fit into a port's row.
/// Their scopes are those of bank 0; the writer adds the bank.
struct BankImage {
    glb_node node{};
    std::vector<glb_logical_port> ports;
    std::vector<glb_endpoint> endpoints;
    std::vector<glb_endpoint_id> endpoint_ids;
    std::vector<glb_group> groups;
    std::vector<glb_target> targets;
    std::vector<glb_sender> senders;
    std::vector<glb_local_addr_key> local_addresses;
    std::vector<std::pair<glb_local_addr_key, std::uint32_t>> route_mtus;
    std::vector<glb_local_mac_key> local_macs;
};

/// With all rows zero.
[[nodiscard]] BankImage empty_bank();

/// Fails, naming the row, if a limit of abi/limits.h is exceeded, an index is out of range, or a key is
/// not unique.
[[nodiscard]] Result<BankImage> build_bank(const BankConfig &config);

/// Rows in local_scope() behind those of the ports: the node's own addresses, and the routes with an MTU.
inline constexpr std::uint32_t node_scope_row = GLB_PORT_SLOTS;
inline constexpr std::uint32_t route_scope_row = GLB_PORT_SLOTS + 1;
inline constexpr std::uint32_t scopes_per_bank = GLB_PORT_SLOTS + 2;

/// Scope of a port, of the node or of the routes in glb_local_addrs, unique across both banks. `row` is the port's
/// slot, node_scope_row or route_scope_row.
[[nodiscard]] constexpr std::uint32_t local_scope(std::uint32_t bank, std::uint32_t row) {
    return bank * scopes_per_bank + row + 1;
}
[[nodiscard]] constexpr std::uint32_t bank_of_scope(std::uint32_t scope) {
    return (scope - 1) / scopes_per_bank;
}

} // namespace glb::plan
