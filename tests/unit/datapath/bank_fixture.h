// Bank images that differ in every map, and their comparison with the fake maps.
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "controller/plan/bank_image.h"
#include "tests/unit/datapath/fake_maps.h"

namespace glb::test {

/// A port with two local prefixes and a MAC outside its row; `number` (1 to 9) is in the rows of every map.
inline plan::BankImage image_of(std::uint8_t number) {
    auto image = plan::empty_bank();
    image.node.tunnel_address = number;
    auto &port = image.ports[10u * number];
    port.key = number;
    port.scope = plan::local_scope(0, 10u * number);
    image.node.address_scope = plan::local_scope(0, plan::node_scope_row);
    image.endpoints[number].id = number;
    image.endpoint_ids[number] = {number, number, 1};
    image.groups[number].tcp_ticks = number;
    image.groups[GLB_MAX_GROUPS - 1].tcp_ticks = 5;
    image.targets[number].mtu = number;
    image.targets[GLB_MAX_TARGETS - 1].mtu = number;
    image.senders[number].key = GLB_SENDER_KEY(number);
    for (const auto last : {std::uint8_t{1}, std::uint8_t{2}})
        image.local_addresses.push_back({32 + 120, port.scope, {number, last}});
    image.local_addresses.push_back({32 + 128, image.node.address_scope, {number}});
    image.local_macs.push_back({port.scope, {2, 0, 0, 0, 0, number}, {}});
    return image;
}

template <typename Row>
bool is_equal(const std::vector<Row> &a, const std::vector<Row> &b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Row)) == 0;
}

/// The keys of one bank in a map of local addresses or MACs, with the scopes of bank 0, as sorted bytes.
template <typename Key>
std::set<std::vector<unsigned>> local_keys(const std::vector<Key> &keys, std::uint32_t bank) {
    std::set<std::vector<unsigned>> found; // numbers, which Catch2 prints
    for (auto key : keys)
        if (const auto first = plan::local_scope(bank, 0);
            key.scope >= first && key.scope < first + plan::scopes_per_bank) {
            key.scope -= bank * plan::scopes_per_bank;
            const auto *bytes = reinterpret_cast<const unsigned char *>(&key);
            found.insert({bytes, bytes + sizeof key});
        }
    return found;
}

inline void check_bank(const FakeMaps &maps, std::uint32_t bank, plan::BankImage image) {
    using datapath::Map;
    CAPTURE(bank);
    for (auto &port : image.ports)
        if (port.key)
            port.scope += bank * plan::scopes_per_bank;
    if (image.node.address_scope)
        image.node.address_scope += bank * plan::scopes_per_bank;
    const auto check_rows = [&](Map map, const auto &rows) {
        INFO(to_string(map));
        using Row = typename std::decay_t<decltype(rows)>::value_type;
        const auto count = static_cast<std::uint32_t>(rows.size());
        CHECK(is_equal(maps.rows<Row>(map, bank * count, count), rows));
    };
    check_rows(Map::node, std::vector{image.node});
    check_rows(Map::logical_ports, image.ports);
    check_rows(Map::endpoints, image.endpoints);
    check_rows(Map::endpoint_ids, image.endpoint_ids);
    check_rows(Map::groups, image.groups);
    check_rows(Map::targets, image.targets);
    check_rows(Map::senders, image.senders);
    CHECK(local_keys(maps.keys<glb_local_addr_key>(Map::local_addrs), bank) ==
          local_keys(image.local_addresses, 0));
    CHECK(local_keys(maps.keys<glb_local_mac_key>(Map::local_macs), bank) == local_keys(image.local_macs, 0));
}

} // namespace glb::test
