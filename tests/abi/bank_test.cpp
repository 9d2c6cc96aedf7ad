// build_bank() places rows where the data path finds them.
#include <catch2/catch.hpp>

#include <arpa/inet.h>

#include "abi/probe.h"
#include "controller/datapath/load_settings.h"
#include "controller/plan/bank_image.h"
#include "lib/checksum.h"

using namespace glb;
using namespace glb::datapath;
using namespace glb::plan;

namespace {

const glb_logical_port *find_port(const BankImage &image, std::uint64_t key) {
    for (std::uint32_t probe = 0; probe < GLB_PROBES; ++probe) {
        const auto &port = image.ports[glb_probe_slot(key, probe, GLB_PORT_SLOTS)];
        if (port.key == key)
            return &port;
    }
    return nullptr;
}

} // namespace

TEST_CASE("bank image: 1024 ports are found within the probe limit", "[abi]") {
    BankConfig config;
    config.tunnel_address = *IpAddress::parse("10.0.1.10");
    for (std::uint32_t i = 0; i < GLB_MAX_PORTS; ++i) {
        PortConfig port;
        port.ifindex = 2 + i / 100;
        port.vlans = {static_cast<std::uint16_t>(i % 100), 0};
        config.ports.push_back(port);
    }
    const auto image = build_bank(config);
    INFO((image ? std::string() : image.error().message));
    REQUIRE(image);
    for (const auto &port : config.ports)
        CHECK(find_port(*image, glb_logical_port_key(port.ifindex, port.vlans[0], 0)));
    CHECK_FALSE(find_port(*image, glb_logical_port_key(1, 0, 0)));
}

TEST_CASE("bank image: addresses beyond a port's row go to the trie under the port's scope", "[abi]") {
    BankConfig config;
    PortConfig port;
    port.ifindex = 9;
    for (int i = 0; i < GLB_PORT_LOCAL4 + 2; ++i)
        port.addresses.push_back(*IpPrefix::parse("192.0.2." + std::to_string(i + 1)));
    port.addresses.push_back(*IpPrefix::parse("198.51.100.0/24"));
    config.ports = {port};
    const auto image = build_bank(config);
    REQUIRE(image);
    const auto *row = find_port(*image, glb_logical_port_key(9, 0, 0));
    REQUIRE(row);
    CHECK(row->local4_count == GLB_PORT_LOCAL4);
    CHECK((row->flags & GLB_PORT_LOCAL_MORE) != 0);
    REQUIRE(image->local_addresses.size() == 3);
    CHECK(image->local_addresses[0].scope == row->scope);
    CHECK(image->local_addresses[0].prefix_length == 32 + 128);
    CHECK(image->local_addresses[2].prefix_length == 32 + 96 + 24);
    CHECK(local_scope(1, 0) > local_scope(0, node_scope_row));
    CHECK(bank_of_scope(local_scope(0, node_scope_row)) == 0);
    CHECK(bank_of_scope(local_scope(1, 0)) == 1);
}

TEST_CASE("bank image: all of the node's addresses are in the filter, those beyond its row in the trie",
          "[abi]") {
    BankConfig config;
    config.tunnel_address = *IpAddress::parse("192.0.2.1");
    for (int i = 1; i <= GLB_NODE_ADDRESSES4 + 2; ++i)
        config.node_addresses.push_back(*IpAddress::parse("192.0.2." + std::to_string(i)));
    config.node_addresses.push_back(*IpAddress::parse("2001:db8::1"));
    const auto image = build_bank(config);
    REQUIRE(image);
    const auto &node = image->node;
    CHECK(node.address4[0] == config.tunnel_address.v4_network_order());
    CHECK(image->local_addresses.size() == 2);
    for (const auto &key : image->local_addresses) {
        CHECK(key.scope == node.address_scope);
        CHECK(key.scope == local_scope(0, node_scope_row));
        CHECK(key.prefix_length == 32 + 128);
    }
    const auto in_filter = [&](const IpAddress &address) {
        std::uint32_t words[4] = {};
        std::copy_n(address.bytes.begin(), address.bits() / 8, reinterpret_cast<std::uint8_t *>(words));
        const auto bit = glb_address_bit(words);
        return bit < GLB_ADDRESS_FILTER_BITS && (node.address_filter[bit / 64] >> (bit % 64) & 1) != 0;
    };
    for (const auto &address : config.node_addresses)
        CHECK(in_filter(address));
    int others = 0;
    for (int i = 0; i < 256; ++i)
        others += in_filter(*IpAddress::parse("198.51.100." + std::to_string(i)));
    CHECK(others < 32); // most addresses are told apart without a search
}

TEST_CASE("bank image: duplicate ports and out-of-range indexes are rejected", "[abi]") {
    BankConfig config;
    PortConfig port;
    port.ifindex = 9;
    config.ports = {port, port};
    CHECK_FALSE(build_bank(config));
    config.ports.clear();
    config.endpoints = {{.index = GLB_MAX_ENDPOINTS, .id = 1, .attachment = 0, .route_table = 0, .group = 0}};
    CHECK_FALSE(build_bank(config));
    config.endpoints.clear();
    TargetConfig target;
    target.index = GLB_MAX_TARGETS;
    target.address = *IpAddress::parse("10.0.1.20");
    config.targets = {target};
    CHECK_FALSE(build_bank(config));
    target.index = 0;
    target.address = *IpAddress::parse("2001:db8::1");
    config.targets = {target};
    CHECK_FALSE(build_bank(config));
}

TEST_CASE("flow table: capacity is rounded up to a power of two within limits", "[abi]") {
    CHECK(round_capacity(1) == 4096);
    CHECK(round_capacity(4097) == 8192);
    CHECK(round_capacity(1048576) == 1048576);
    CHECK(round_capacity(1ull << 40) == GLB_FLOW_MAX_CAPACITY);
}
