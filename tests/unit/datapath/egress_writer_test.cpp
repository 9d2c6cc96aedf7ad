// EgressWriter: the rows after each sync, and that a sync after a failed one completes it.
#include <catch2/catch.hpp>

#include <algorithm>

#include "controller/datapath/egress_writer.h"
#include "tests/unit/datapath/fake_maps.h"

using namespace glb;
using namespace glb::test;
using datapath::ConfigWriter;
using datapath::EgressWriter;
using datapath::Map;
using datapath::NextHopKey;

namespace {

using Names = std::vector<std::string>;
using NextHops = std::map<NextHopKey, glb_next_hop>;

glb_egress egress_row(std::uint32_t ifindex, std::uint16_t mtu = 1500) {
    glb_egress row{};
    row.ifindex = ifindex;
    row.mtu = mtu;
    return row;
}

NextHopKey neighbour(std::uint32_t number) {
    NextHopKey key{1, {}};
    key.second.bytes = {
        2, 0, 0, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    return key;
}

NextHops neighbours(std::uint32_t first, std::uint32_t count, std::uint16_t mtu = 1500) {
    NextHops rows;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto key = neighbour(first + i);
        glb_next_hop row{};
        row.egress = egress_row(key.first, mtu);
        std::copy(key.second.bytes.begin(), key.second.bytes.end(), row.destination);
        rows.emplace(key, row);
    }
    return rows;
}

glb_next_hop_key map_key(const NextHopKey &key) {
    glb_next_hop_key row{};
    row.ifindex = key.first;
    std::copy(key.second.bytes.begin(), key.second.bytes.end(), row.mac);
    return row;
}

struct EgressFixture {
    FakeMaps maps;
    datapath::DatapathHandlesPtr handles = maps.handles();
    ConfigWriter config{handles};
    EgressWriter writer{handles};

    std::optional<std::uint32_t> id_of(const NextHopKey &key) const {
        return maps.find<std::uint32_t>(Map::next_hop_ids, map_key(key));
    }
    std::optional<glb_egress> egress(std::uint32_t ifindex) const {
        return maps.find<glb_egress>(Map::egress, ifindex);
    }
    /// The ids are those of `wanted` alone, and each refers to its neighbour's row.
    void check_next_hops(const NextHops &wanted) const {
        CHECK(maps.keys<glb_next_hop_key>(Map::next_hop_ids).size() == wanted.size());
        CHECK(writer.next_hops().size() == wanted.size());
        for (const auto &[key, row] : wanted) {
            const auto id = id_of(key);
            REQUIRE(id);
            const auto written = maps.row<glb_next_hop>(Map::next_hops, *id);
            CHECK(std::memcmp(&written, &row, sizeof row) == 0);
            CHECK(writer.next_hops().at(key).index == *id);
        }
    }
};

} // namespace

TEST_CASE("egress writer: a device is a row of the device map that contains its own index",
          "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.add_device(5));
    CHECK(it.maps.find<std::uint32_t>(Map::devmap, 5u) == 5u);
    operations().fail(1, E2BIG);
    const auto failed = it.writer.add_device(6);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.starts_with("cannot write row 6 of glb_devmap: "));
}

TEST_CASE("egress writer: sync writes rows that differ, removes others, and repeats nothing",
          "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_egress({{1, egress_row(1)}, {2, egress_row(2)}, {3, egress_row(3)}}));
    CHECK(operations().take() == Names{"glb_egress[1]", "glb_egress[2]", "glb_egress[3]"});
    REQUIRE(it.writer.sync_egress({{1, egress_row(1)}, {2, egress_row(2)}, {3, egress_row(3)}}));
    CHECK(operations().take().empty());
    REQUIRE(it.writer.sync_egress({{1, egress_row(1, 9000)}, {3, egress_row(3)}, {4, egress_row(4)}}));
    CHECK(operations().take() == Names{"glb_egress[1]", "glb_egress[4]", "-glb_egress[2]"});
    CHECK(it.egress(1)->mtu == 9000);
    CHECK_FALSE(it.egress(2));
    CHECK(it.egress(3));
    CHECK(it.egress(4));
    CHECK(it.writer.egress().size() == 3);
}

TEST_CASE("egress writer: after a restart all wanted rows are written and the others removed",
          "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_egress({{1, egress_row(1)}, {3, egress_row(3)}}));
    operations().reset();
    EgressWriter restarted(it.handles);
    REQUIRE(restarted.restore_egress());
    CHECK(restarted.egress().size() == 2);
    REQUIRE(restarted.sync_egress({{3, egress_row(3)}}));
    CHECK(operations().take() == Names{"glb_egress[3]", "-glb_egress[1]"});
    CHECK_FALSE(it.egress(1));
}

TEST_CASE("egress writer: restore_egress() fails if the rows cannot be read, and restores none of them",
          "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_egress({{1, egress_row(1)}, {3, egress_row(3)}}));
    for (const std::size_t keys : {0u, 1u, 2u}) {
        CAPTURE(keys);
        it.maps[Map::egress].keys_error = ENOMEM;
        it.maps[Map::egress].keys_until_error = keys;
        EgressWriter restarted(it.handles);
        const auto failed = restarted.restore_egress();
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOMEM);
        CHECK(failed.error().message.starts_with("cannot read the keys of glb_egress: "));
        CHECK(restarted.egress().empty());
        REQUIRE(restarted.restore_egress());
        CHECK(restarted.egress().size() == 2);
    }
}

TEST_CASE("egress writer: a sync that fails at any write names the map, and the next one completes it",
          "[egress-writer]") {
    const EgressWriter::EgressRows before = {{1, egress_row(1)}, {2, egress_row(2)}, {5, egress_row(5)}};
    const EgressWriter::EgressRows after = {{1, egress_row(1, 9000)}, {3, egress_row(3)}};
    for (std::size_t nth = 1; nth <= 4; ++nth) {
        CAPTURE(nth);
        EgressFixture it;
        REQUIRE(it.writer.sync_egress(before));
        operations().fail(nth, ENOMEM);
        const auto failed = it.writer.sync_egress(after);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOMEM);
        CHECK(failed.error().message.find("glb_egress") != std::string::npos);
        for (const auto &[ifindex, row] : it.writer.egress()) // the shadow is what the map contains
            CHECK(it.egress(ifindex)->mtu == row.mtu);
        CHECK(it.maps.keys<std::uint32_t>(Map::egress).size() == it.writer.egress().size());
        REQUIRE(it.writer.sync_egress(after));
        CHECK(it.egress(1)->mtu == 9000);
        CHECK(it.egress(3));
        CHECK(it.maps.keys<std::uint32_t>(Map::egress).size() == 2);
    }
}

TEST_CASE("egress writer: a next hop's row is written before its id, and once", "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_next_hops(neighbours(0, 2), it.config));
    CHECK(operations().take() ==
          Names{"glb_next_hops[0]", "glb_next_hop_ids[]", "glb_next_hops[1]", "glb_next_hop_ids[]"});
    it.check_next_hops(neighbours(0, 2));
    REQUIRE(it.writer.sync_next_hops(neighbours(0, 2), it.config));
    CHECK(operations().take().empty());
}

TEST_CASE("egress writer: the index of a next hop is not assigned to another one or to its changed row",
          "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_next_hops(neighbours(0, 2), it.config));
    REQUIRE(it.writer.sync_next_hops(neighbours(1, 2), it.config));
    CHECK_FALSE(it.id_of(neighbour(0)));
    CHECK(it.id_of(neighbour(1)) == 1u);
    CHECK(it.id_of(neighbour(2)) == 2u);
    REQUIRE(it.writer.sync_next_hops(neighbours(1, 2, 9000), it.config));
    CHECK(it.id_of(neighbour(1)) == 3u);
    CHECK(it.id_of(neighbour(2)) == 4u);
    CHECK(it.maps.row<glb_next_hop>(Map::next_hops, 1).egress.mtu == 1500); // flows may cache it
    it.check_next_hops(neighbours(1, 2, 9000));
}

TEST_CASE("egress writer: a sync of next hops that fails at any write is completed by the next one",
          "[egress-writer]") {
    for (std::size_t nth = 1; nth <= 6; ++nth) {
        CAPTURE(nth);
        EgressFixture it;
        REQUIRE(it.writer.sync_next_hops(neighbours(0, 3), it.config));
        operations().fail(nth, ENOMEM);
        const auto failed = it.writer.sync_next_hops(neighbours(2, 3), it.config);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOMEM);
        CHECK(failed.error().message.find("glb_next_hop") != std::string::npos);
        CHECK(it.id_of(neighbour(2)) == 2u); // in both: never without its row
        REQUIRE(it.writer.sync_next_hops(neighbours(2, 3), it.config));
        it.check_next_hops(neighbours(2, 3));
    }
}

TEST_CASE("egress writer: all next hops are removed, those of an earlier daemon too", "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_next_hops(neighbours(0, 3), it.config));
    EgressWriter restarted(it.handles);
    REQUIRE(restarted.clear_next_hops());
    CHECK(it.maps.keys<glb_next_hop_key>(Map::next_hop_ids).empty());
}

namespace {

constexpr std::uint32_t half = GLB_MAX_NEXT_HOPS / 2;

} // namespace

TEST_CASE("egress writer: used-up indexes restart behind a new route generation and a grace period",
          "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_next_hops(neighbours(0, half), it.config));
    REQUIRE(it.writer.sync_next_hops(neighbours(half, half), it.config));
    const auto done = operations().take();
    REQUIRE(done.size() > 2);
    CHECK(Names(done.end() - 2, done.end()) == Names{"glb_control[0]", "grace period"});
    CHECK(it.config.control()->route_generation == 1);
    CHECK(it.writer.next_hops().empty());
    CHECK(it.maps.keys<glb_next_hop_key>(Map::next_hop_ids).empty());
    REQUIRE(it.writer.sync_next_hops(neighbours(half, 2), it.config));
    CHECK(it.id_of(neighbour(half)) == 0u);
    CHECK(it.config.control()->route_generation == 1);
}

TEST_CASE("egress writer: indexes do not restart before route generation and grace period succeeded",
          "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_next_hops(neighbours(0, half), it.config));
    const auto [offset, message] = GENERATE(table<std::size_t, std::string>(
        {{1, "cannot write row 0 of glb_control: "}, {2, "cannot wait for packets in the data path: "}}));
    operations().fail(half + offset); // behind the removal of `half` ids
    const auto failed = it.writer.sync_next_hops(neighbours(half, half), it.config);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.starts_with(message));
    REQUIRE(it.writer.sync_next_hops(neighbours(half, 1), it.config));
    CHECK(it.id_of(neighbour(half)) == half);
}

TEST_CASE("egress writer: a removal of all next hops that fails midway leaves a shadow equal to the map",
          "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_next_hops(neighbours(0, 4), it.config));
    operations().fail(3);
    const auto failed = it.writer.clear_next_hops();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.starts_with("cannot remove a row of glb_next_hop_ids: "));
    REQUIRE(it.writer.sync_next_hops(neighbours(0, 4), it.config));
    it.check_next_hops(neighbours(0, 4));
}

TEST_CASE("egress writer: next hops whose keys cannot be read are not reported as cleared",
          "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_next_hops(neighbours(0, 4), it.config));
    it.maps[Map::next_hop_ids].keys_error = ENOMEM;
    it.maps[Map::next_hop_ids].keys_until_error = 2;
    const auto failed = it.writer.clear_next_hops();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.starts_with("cannot read the keys of glb_next_hop_ids: "));
    it.check_next_hops(neighbours(0, 4));
    REQUIRE(it.writer.clear_next_hops());
    CHECK(it.maps.keys<glb_next_hop_key>(Map::next_hop_ids).empty());
}

TEST_CASE("egress writer: after rebind() it continues with its shadow on the other handles",
          "[egress-writer]") {
    EgressFixture it;
    REQUIRE(it.writer.sync_egress({{1, egress_row(1)}}));
    REQUIRE(it.writer.sync_next_hops(neighbours(0, 1), it.config));
    it.writer.rebind(it.maps.handles());
    it.config.rebind(it.maps.handles());
    CHECK(it.handles.use_count() == 1);
    it.handles.reset(); // closes the descriptors
    operations().reset();
    REQUIRE(it.writer.sync_egress({{1, egress_row(1)}, {2, egress_row(2)}}));
    REQUIRE(it.writer.sync_next_hops(neighbours(0, 2), it.config));
    CHECK(operations().take() == Names{"glb_egress[2]", "glb_next_hops[1]", "glb_next_hop_ids[]"});
}
