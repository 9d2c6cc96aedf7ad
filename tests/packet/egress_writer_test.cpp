// EgressWriter: rows of egress and next hops as the maps have them after each sync.
#include <catch2/catch.hpp>

#include <map>
#include <optional>

#include <bpf/bpf.h>

#include "tests/harness/skip.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;
using datapath::Map;
using datapath::NextHopKey;

namespace {

template <typename Row, typename Key>
std::optional<Row> look_up(const Rig &rig, Map map, const Key &key) {
    Row row{};
    if (bpf_map_lookup_elem(rig.roles.handles->map(map), &key, &row) != 0)
        return std::nullopt;
    return row;
}

glb_egress egress_row(std::uint32_t ifindex, std::uint16_t mtu) {
    glb_egress row{};
    row.ifindex = ifindex;
    row.mtu = mtu;
    return row;
}

NextHopKey neighbour(std::uint32_t ifindex, std::uint16_t number) {
    NextHopKey key{ifindex, {}};
    key.second.bytes = {
        2, 0, 0, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    return key;
}

glb_next_hop hop_row(const NextHopKey &key) {
    glb_next_hop row{};
    row.egress = egress_row(key.first, 1500);
    std::copy(key.second.bytes.begin(), key.second.bytes.end(), row.destination);
    return row;
}

std::optional<std::uint32_t> id_of(const Rig &rig, const NextHopKey &key) {
    glb_next_hop_key row{};
    row.ifindex = key.first;
    std::copy(key.second.bytes.begin(), key.second.bytes.end(), row.mac);
    return look_up<std::uint32_t>(rig, Map::next_hop_ids, row);
}

std::map<NextHopKey, glb_next_hop> neighbours(std::uint16_t first, std::uint16_t count) {
    std::map<NextHopKey, glb_next_hop> rows;
    for (std::uint16_t i = 0; i < count; ++i) {
        const auto key = neighbour(1, static_cast<std::uint16_t>(first + i));
        rows.emplace(key, hop_row(key));
    }
    return rows;
}

} // namespace

TEST_CASE("egress writer: sync writes the wanted rows and removes the others", "[egress]") {
    need_root();
    Rig rig;
    auto &egress = rig.roles.egress;
    REQUIRE(egress.sync_egress({{1, egress_row(1, 1500)}, {2, egress_row(2, 1500)}}));
    REQUIRE(egress.sync_egress({{1, egress_row(1, 9000)}, {3, egress_row(3, 1500)}}));
    CHECK(look_up<glb_egress>(rig, Map::egress, 1u)->mtu == 9000);
    CHECK_FALSE(look_up<glb_egress>(rig, Map::egress, 2u));
    CHECK(look_up<glb_egress>(rig, Map::egress, 3u));
    CHECK(egress.egress().size() == 2);

    datapath::EgressWriter restarted(rig.roles.handles);
    REQUIRE(restarted.restore_egress());
    REQUIRE(restarted.sync_egress({{3, egress_row(3, 1400)}}));
    CHECK_FALSE(look_up<glb_egress>(rig, Map::egress, 1u));
    CHECK(look_up<glb_egress>(rig, Map::egress, 3u)->mtu == 1400);
}

TEST_CASE("egress writer: the index of a next hop is not assigned to another one", "[egress]") {
    need_root();
    Rig rig;
    auto &[handles, config, state, egress, counters, events] = rig.roles;
    REQUIRE(egress.sync_next_hops(neighbours(0, 2), config));
    CHECK(id_of(rig, neighbour(1, 0)) == 0u);
    CHECK(id_of(rig, neighbour(1, 1)) == 1u);
    REQUIRE(egress.sync_next_hops(neighbours(1, 2), config));
    CHECK_FALSE(id_of(rig, neighbour(1, 0)));
    CHECK(id_of(rig, neighbour(1, 1)) == 1u);
    CHECK(id_of(rig, neighbour(1, 2)) == 2u);
    CHECK(egress.next_hops().at(neighbour(1, 2)).index == 2);
    CHECK(look_up<glb_next_hop>(rig, Map::next_hops, 2u)->destination[5] == 2);
    REQUIRE(egress.sync_next_hops(neighbours(0, 2), config));
    CHECK(id_of(rig, neighbour(1, 0)) == 3u);
}

TEST_CASE("egress writer: used-up indexes restart behind a new route generation", "[egress]") {
    need_root();
    Rig rig;
    auto &[handles, config, state, egress, counters, events] = rig.roles;
    constexpr std::uint16_t half = GLB_MAX_NEXT_HOPS / 2;
    REQUIRE(egress.sync_next_hops(neighbours(0, half), config));
    const auto before = config.control().value();
    REQUIRE(egress.sync_next_hops(neighbours(half, half), config));
    CHECK(config.control().value().route_generation == before.route_generation + 1);
    CHECK(egress.next_hops().empty());
    CHECK_FALSE(id_of(rig, neighbour(1, 0)));
    REQUIRE(egress.sync_next_hops(neighbours(half, half), config));
    CHECK(egress.next_hops().size() == half);
    CHECK(id_of(rig, neighbour(1, half)) == 0u);
    CHECK(config.control().value().route_generation == before.route_generation + 1);
}
