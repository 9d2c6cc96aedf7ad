#include "controller/plan/bank_image.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <set>

#include "abi/probe.h"
#include "controller/tunnel/header_template.h"

namespace glb::plan {

namespace {

std::uint64_t to_network(std::uint64_t value) {
    return (std::uint64_t{htonl(static_cast<std::uint32_t>(value))} << 32) |
           htonl(static_cast<std::uint32_t>(value >> 32));
}

std::uint64_t mac_number(const MacAddress &mac) {
    std::uint64_t number = 0;
    for (const auto byte : mac.bytes)
        number = number << 8 | byte;
    return number;
}

std::uint32_t ticks(std::chrono::seconds seconds) {
    return static_cast<std::uint32_t>(seconds.count()) * GLB_TICKS_PER_SECOND;
}

/// Inserts `row` at the first free slot of its probe sequence. Returns the slot; nullopt: all are occupied.
template <typename Row, typename Free>
std::optional<std::uint32_t> place(std::vector<Row> &rows, std::uint64_t key, const Row &row, Free is_free) {
    for (std::uint32_t probe = 0; probe < GLB_PROBES; ++probe) {
        const auto slot = glb_probe_slot(key, probe, static_cast<std::uint32_t>(rows.size()));
        if (is_free(rows[slot])) {
            rows[slot] = row;
            return slot;
        }
    }
    return std::nullopt;
}

std::array<std::uint8_t, 16> mapped(const IpAddress &address) {
    if (address.family == 6)
        return address.bytes;
    std::array<std::uint8_t, 16> bytes{};
    bytes[10] = bytes[11] = 0xff;
    std::copy_n(address.bytes.begin(), 4, bytes.begin() + 12);
    return bytes;
}

glb_local_addr_key trie_key(const IpPrefix &prefix, std::uint32_t scope) {
    glb_local_addr_key key{};
    key.prefix_length = 32u + (prefix.address.family == 4 ? 96u : 0u) + prefix.length;
    key.scope = scope;
    const auto bytes = mapped(prefix.address);
    std::copy(bytes.begin(), bytes.end(), key.address);
    return key;
}

/// The address as the data path has it: IPv4 in the first word.
std::array<std::uint32_t, 4> words_of(const IpAddress &address) {
    std::array<std::uint32_t, 4> words{};
    std::memcpy(words.data(), address.bytes.data(), address.bits() / 8);
    return words;
}

/// Every address is in the filter. It goes into the row while there is room, else into the trie.
class NodeAddresses {
  public:
    explicit NodeAddresses(BankImage &image) : image_(image) {}

    void add(const IpAddress &address) {
        if (!address.family || !seen_.insert(address).second)
            return;
        auto &node = image_.node;
        const auto words = words_of(address);
        const auto bit = glb_address_bit(words.data());
        node.address_filter[bit / 64] |= std::uint64_t{1} << (bit % 64);
        if (address.family == 4 && count4_ < GLB_NODE_ADDRESSES4) {
            node.address4[count4_++] = words[0];
        } else if (address.family == 6 && count6_ < GLB_NODE_ADDRESSES6) {
            std::ranges::copy(words, node.address6[count6_++]);
        } else {
            node.address_scope = local_scope(0, node_scope_row);
            image_.local_addresses.push_back(
                trie_key({address, static_cast<std::uint8_t>(address.bits())}, node.address_scope));
        }
    }

  private:
    BankImage &image_;
    std::set<IpAddress> seen_;
    std::size_t count4_ = 0, count6_ = 0;
};

/// A single address goes into the port's row while there is room; all else goes into the trie.
void add_local_address(BankImage &image, glb_logical_port &port, const IpPrefix &prefix,
                       std::uint32_t scope) {
    const auto &address = prefix.address;
    if (prefix.length == address.bits() && address.family == 4 && port.local4_count < GLB_PORT_LOCAL4) {
        port.local4[port.local4_count++] = address.v4_network_order();
        return;
    }
    if (prefix.length == address.bits() && address.family == 6 && port.local6_count < GLB_PORT_LOCAL6) {
        std::memcpy(port.local6[port.local6_count++], address.bytes.data(), 16);
        return;
    }
    image.local_addresses.push_back(trie_key(prefix, scope));
    port.flags |= GLB_PORT_LOCAL_MORE;
}

void add_local_mac(BankImage &image, glb_logical_port &port, const MacAddress &mac, std::uint32_t scope) {
    if (port.mac_count < GLB_PORT_MACS) {
        port.mac[port.mac_count++] = mac_number(mac);
        return;
    }
    glb_local_mac_key key{};
    key.scope = scope;
    std::copy(mac.bytes.begin(), mac.bytes.end(), key.mac);
    image.local_macs.push_back(key);
    port.flags |= GLB_PORT_MACS_MORE;
}

Status add_port(BankImage &image, const PortConfig &config) {
    glb_logical_port port{};
    port.key = glb_logical_port_key(config.ifindex, config.vlans[0], config.vlans[1]);
    const bool duplicate = std::any_of(image.ports.begin(), image.ports.end(),
                                       [&](const glb_logical_port &other) { return other.key == port.key; });
    if (duplicate || !config.ifindex)
        return fail("interface {} with VLANs {}.{} is duplicate or invalid", config.ifindex, config.vlans[0],
                    config.vlans[1]);
    port.flags = static_cast<std::uint16_t>((config.endpoint ? GLB_PORT_ENDPOINT : 0) |
                                            (config.tunnel ? GLB_PORT_TUNNEL : 0));
    port.endpoint = config.endpoint.value_or(0);
    port.fib_ifindex = config.fib_ifindex ? config.fib_ifindex : config.ifindex;
    const auto slot =
        place(image.ports, port.key, port, [](const glb_logical_port &other) { return other.key == 0; });
    if (!slot)
        return fail("no free slot for the (interface, VLAN) pairs of interface {}", config.ifindex);
    auto &placed = image.ports[*slot];
    placed.scope = local_scope(0, *slot);
    for (const auto &mac : config.macs)
        add_local_mac(image, placed, mac, placed.scope);
    for (const auto &prefix : config.addresses)
        add_local_address(image, placed, prefix, placed.scope);
    return {};
}

Status add_endpoint(BankImage &image, const EndpointConfig &config) {
    if (config.index >= GLB_MAX_ENDPOINTS || config.group >= GLB_MAX_GROUPS)
        return fail("endpoint index {} or group index {} is out of range", config.index, config.group);
    auto &endpoint = image.endpoints[config.index];
    endpoint.id = to_network(config.id);
    endpoint.attachment = to_network(config.attachment);
    endpoint.route_table = config.route_table;
    endpoint.group = config.group;
    endpoint.new_flows_per_second = config.new_flows_per_second;
    endpoint.mtu = config.mtu;
    endpoint.flags = config.punt ? GLB_ENDPOINT_PUNT : 0;
    const glb_endpoint_id row{config.id, config.index, 1};
    if (!place(image.endpoint_ids, config.id, row, [](const glb_endpoint_id &other) { return !other.used; }))
        return fail("no free slot for endpoint id {:#x}", config.id);
    return {};
}

Status add_group(BankImage &image, const GroupConfig &config) {
    if (config.index >= GLB_MAX_GROUPS)
        return fail("group index {} is out of range", config.index);
    auto &row = image.groups[config.index];
    row.table = config.table;
    row.previous_table = config.previous_table;
    row.previous_until = config.previous_until;
    row.tcp_ticks = ticks(config.tcp_timeout);
    row.other_ticks = ticks(config.other_timeout);
    row.stickiness = config.stickiness;
    row.flags = static_cast<__u16>((config.strict_cookie ? GLB_GROUP_STRICT_COOKIE : 0) |
                                   (config.passive ? GLB_GROUP_PASSIVE : 0));
    return {};
}

Status add_target(BankImage &image, const TargetConfig &config, const IpAddress &tunnel_address) {
    if (config.index >= GLB_MAX_TARGETS || config.address.family != 4)
        return fail("target index {} is out of range, or its address is not IPv4", config.index);
    if (config.path && config.path->tags.size() > 2)
        return fail("target {} has more than two VLAN tags", config.index);
    auto &row = image.targets[config.index];
    row.source = tunnel_address.v4_network_order();
    row.destination = config.address.v4_network_order();
    row.port = htons(config.port);
    row.group = config.group;
    row.address_id = config.address_id;
    if (config.path)
        tunnel::write_header_template(row, *config.path, {tunnel_address, config.address, 0, config.port},
                                      tunnel::aws_geneve());
    return {};
}

Status add_sender(BankImage &image, const SenderConfig &config) {
    const std::uint64_t key = GLB_SENDER_KEY(config.address.v4_network_order());
    const glb_sender row{key, config.mac ? mac_number(*config.mac) : 0, config.address_id, 0};
    const auto free_or_same = [key](const glb_sender &other) { return other.key == 0 || other.key == key; };
    if (!place(image.senders, key, row, free_or_same))
        return fail("no free slot for target address {}", config.address.to_string());
    return {};
}

} // namespace

BankImage empty_bank() {
    BankImage image;
    image.ports.resize(GLB_PORT_SLOTS);
    image.endpoints.resize(GLB_MAX_ENDPOINTS);
    image.endpoint_ids.resize(GLB_ENDPOINT_ID_SLOTS);
    image.groups.resize(GLB_MAX_GROUPS);
    image.targets.resize(GLB_MAX_TARGETS);
    image.senders.resize(GLB_SENDER_SLOTS);
    return image;
}

Result<BankImage> build_bank(const BankConfig &config) {
    auto image = empty_bank();
    if (config.geneve_ports.size() > GLB_MAX_GENEVE_PORTS)
        return fail("targets use {} different ports; the maximum is {}", config.geneve_ports.size(),
                    GLB_MAX_GENEVE_PORTS);
    image.node.tunnel_address = config.tunnel_address.v4_network_order();
    const auto previous = config.previous_address.value_or(config.tunnel_address);
    image.node.previous_address = previous.v4_network_order();
    image.node.flags = config.has_tunnel_address ? 0 : GLB_NODE_NO_TUNNEL_ADDRESS;
    NodeAddresses addresses(image);
    addresses.add(config.tunnel_address);
    addresses.add(previous);
    for (const auto &address : config.node_addresses)
        addresses.add(address);
    const auto route_scope = local_scope(0, route_scope_row);
    for (const auto &route : config.route_mtus)
        image.route_mtus.emplace_back(trie_key(route.destination, route_scope), route.mtu);
    image.node.route_scope = image.route_mtus.empty() ? 0 : route_scope;
    for (const auto port : config.geneve_ports)
        image.node.geneve_port[image.node.geneve_port_count++] = htons(port);
    image.node.mark_mask = config.mark_mask;
    std::copy(config.steer_key.begin(), config.steer_key.end(), image.node.steer_key.word);
    for (auto &row : image.groups)
        row.table = row.previous_table = GLB_NO_TABLE;

    for (const auto &port : config.ports)
        GLB_TRY(add_port(image, port));
    for (const auto &endpoint : config.endpoints)
        GLB_TRY(add_endpoint(image, endpoint));
    for (const auto &group : config.groups)
        GLB_TRY(add_group(image, group));
    for (const auto &target : config.targets)
        GLB_TRY(add_target(image, target, config.tunnel_address));
    for (const auto &sender : config.senders)
        GLB_TRY(add_sender(image, sender));
    return image;
}

} // namespace glb::plan
