// ConfigWriter: banks and the control row, and what a failed write leaves.
#include <catch2/catch.hpp>

#include "controller/datapath/config_writer.h"
#include "tests/unit/datapath/bank_fixture.h"

using namespace glb;
using namespace glb::test;
using datapath::ConfigWriter;
using datapath::Map;

namespace {

using Names = std::vector<std::string>;

bool is_bank_write(const std::string &operation) {
    return operation != "grace period" && !operation.starts_with("glb_control");
}

} // namespace

TEST_CASE("config writer: the idle bank is written whole, and the active one is not touched",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    REQUIRE(writer.write_idle_bank(image_of(1)));
    check_bank(maps, 1, image_of(1));
    check_bank(maps, 0, plan::empty_bank());
    CHECK(writer.control()->bank == 0);
    const auto done = operations().take();
    CHECK(std::ranges::all_of(done, is_bank_write));
    CHECK(std::ranges::find(done, "glb_endpoints[256-511]") != done.end());
}

TEST_CASE(
    "config writer: a bank whose present keys cannot be read is not written, and the next call removes them",
    "[config-writer]") {
    for (const auto map : {Map::local_addrs, Map::local_macs}) {
        CAPTURE(to_string(map));
        FakeMaps maps;
        REQUIRE(ConfigWriter(maps.handles()).write_idle_bank(image_of(1)));
        ConfigWriter writer(maps.handles());
        maps[map].keys_error = ENOMEM;
        const auto failed = writer.write_idle_bank(image_of(2));
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOMEM);
        CHECK(
            failed.error().message.starts_with(fmt::format("cannot read the keys of {}: ", to_string(map))));
        REQUIRE(writer.write_idle_bank(image_of(2)));
        check_bank(maps, 1, image_of(2));
    }
}

TEST_CASE("config writer: flip() makes the idle bank the active one and counts epochs if told to",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    REQUIRE(writer.flip(true));
    CHECK(writer.control()->bank == 1);
    CHECK(writer.control()->epoch == 1);
    REQUIRE(writer.flip(false));
    CHECK(writer.control()->bank == 0);
    CHECK(writer.control()->epoch == 1);
    REQUIRE(writer.raise_route_generation());
    CHECK(writer.control()->bank == 0);
    CHECK(writer.control()->epoch == 1);
    CHECK(writer.control()->route_generation == 1);
}

TEST_CASE("config writer: a bank is written again only a grace period after it was replaced",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    REQUIRE(writer.write_idle_bank(image_of(1)));
    operations().reset();
    REQUIRE(writer.flip(true));
    REQUIRE(writer.write_idle_bank(image_of(2)));
    auto done = operations().take();
    REQUIRE(done.size() > 2);
    CHECK(Names(done.begin(), done.begin() + 2) == Names{"glb_control[0]", "grace period"});
    CHECK(std::all_of(done.begin() + 2, done.end(), is_bank_write));
    check_bank(maps, 1, image_of(1));
    check_bank(maps, 0, image_of(2));
    REQUIRE(writer.write_idle_bank(image_of(3))); // without a flip in between
    done = operations().take();
    CHECK(std::ranges::all_of(done, is_bank_write));
}

TEST_CASE("config writer: a grace period that fails is repeated once, then nothing is written",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    SECTION("once") {
        operations().fail(2);
        REQUIRE(writer.flip(true));
        REQUIRE(writer.write_idle_bank(image_of(1)));
        check_bank(maps, 0, image_of(1));
        CHECK(operations().take()[1] == "grace period");
    }
    SECTION("twice") {
        operations().fail(2, EPERM, 2);
        REQUIRE(writer.flip(true));
        const auto failed = writer.write_idle_bank(image_of(1));
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == EPERM);
        CHECK(failed.error().message.starts_with("cannot wait for packets in the data path: "));
        CHECK(operations().take() == Names{"glb_control[0]"});
        check_bank(maps, 0, plan::empty_bank());
    }
}

TEST_CASE("config writer: without a global membarrier, an update of a map of maps is the grace period",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    SECTION("it succeeds") {
        operations().fail(2, EINVAL);
        REQUIRE(writer.flip(true));
        REQUIRE(writer.write_idle_bank(image_of(1)));
        const auto done = operations().take();
        REQUIRE(done.size() > 4);
        CHECK(Names(done.begin(), done.begin() + 4) ==
              Names{"glb_control[0]", "create glb_wait_inner", "create glb_wait_outer", "glb_wait_outer[0]"});
        check_bank(maps, 0, image_of(1));
    }
    SECTION("it fails, too") {
        operations().fail(2, EINVAL, 4); // each of two attempts: membarrier(2), and the first map
        REQUIRE(writer.flip(true));
        CHECK_FALSE(writer.write_idle_bank(image_of(1)));
        CHECK(operations().take() == Names{"glb_control[0]"});
        check_bank(maps, 0, plan::empty_bank());
    }
}

TEST_CASE("config writer: only rows that differ from the bank's earlier content are written",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    REQUIRE(writer.write_idle_bank(image_of(1)));
    operations().reset();
    auto changed = image_of(1);
    changed.groups[3].tcp_ticks = 99;
    changed.groups[4].tcp_ticks = 99;
    changed.targets[7].mtu = 1400;
    REQUIRE(writer.write_idle_bank(changed));
    auto done = operations().take();
    std::erase_if(done, [](const std::string &name) { return name.find("glb_local_") != std::string::npos; });
    CHECK(done == Names{"glb_node[1]", "glb_groups[67-68]", "glb_targets[4103-4103]"});
    check_bank(maps, 1, changed);

    ConfigWriter restarted(maps.handles()); // does not know the content
    REQUIRE(restarted.write_idle_bank(changed));
    done = operations().take();
    CHECK(std::ranges::find(done, "glb_targets[4096-8191]") != done.end());
}

TEST_CASE("config writer: scopes of ports, local addresses and MACs are those of the bank",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    REQUIRE(writer.write_idle_bank(image_of(1)));
    REQUIRE(writer.flip(true));
    REQUIRE(writer.write_idle_bank(image_of(2)));
    check_bank(maps, 0, image_of(2));
    check_bank(maps, 1, image_of(1));
    REQUIRE(writer.write_idle_bank(plan::empty_bank())); // bank 0: that of bank 1 stays
    check_bank(maps, 0, plan::empty_bank());
    check_bank(maps, 1, image_of(1));
}

TEST_CASE("config writer: an idle bank that fails at any write names the map and is then written whole",
          "[config-writer]") {
    for (std::size_t nth = 1;; ++nth) {
        CAPTURE(nth);
        FakeMaps maps;
        ConfigWriter writer(maps.handles());
        REQUIRE(writer.write_idle_bank(image_of(1)));
        REQUIRE(writer.flip(true));
        REQUIRE(writer.write_idle_bank(image_of(2))); // known: the next image changes some rows
        const auto control = *writer.control();
        operations().reset();
        operations().fail(nth, ENOMEM);
        const auto failed = writer.write_idle_bank(image_of(3));
        if (operations().fails_later()) {
            CHECK(failed);
            CHECK(nth > 8);
            operations().reset();
            break;
        }
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOMEM);
        CHECK(failed.error().message.find("glb_") != std::string::npos);
        CHECK(writer.control()->bank == control.bank);
        CHECK(writer.control()->epoch == control.epoch);
        check_bank(maps, 1, image_of(1)); // the active one
        // The image that the bank contained before: nothing may be taken for written.
        REQUIRE(writer.write_idle_bank(image_of(2)));
        check_bank(maps, 0, image_of(2));
        check_bank(maps, 1, image_of(1));
    }
}

TEST_CASE("config writer: a flip that fails leaves bank and epoch, and starts no grace period",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    REQUIRE(writer.write_idle_bank(image_of(1)));
    operations().reset();
    operations().fail(1, EPERM);
    const auto failed = writer.flip(true);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.starts_with("cannot write row 0 of glb_control: "));
    CHECK(writer.control()->bank == 0);
    CHECK(writer.control()->epoch == 0);
    REQUIRE(writer.write_idle_bank(image_of(2)));
    CHECK(std::ranges::all_of(operations().take(), is_bank_write));
    check_bank(maps, 1, image_of(2));
}

TEST_CASE("config writer: a control row that cannot be read is an error, and nothing is written",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    maps[Map::control].read_error = EIO;
    const auto check_error = [](const auto &done) {
        REQUIRE_FALSE(done);
        CHECK(done.error().message.starts_with("cannot read row 0 of glb_control: "));
    };
    check_error(writer.write_idle_bank(image_of(1)));
    check_error(writer.flip(true));
    check_error(writer.raise_route_generation());
    CHECK(operations().take().empty());
}

TEST_CASE("config writer: after rebind() it continues with its banks on the other handles",
          "[config-writer]") {
    FakeMaps maps;
    auto first = maps.handles();
    ConfigWriter writer(first);
    REQUIRE(writer.write_idle_bank(image_of(1)));
    writer.rebind(maps.handles());
    CHECK(first.use_count() == 1);
    first.reset(); // closes the descriptors
    operations().reset();
    auto changed = image_of(1);
    changed.groups[3].tcp_ticks = 99;
    REQUIRE(writer.write_idle_bank(changed));
    const auto done = operations().take();
    CHECK(std::ranges::find(done, "glb_groups[67-67]") != done.end());
    CHECK(std::ranges::find(done, "glb_groups[64-127]") == done.end());
    REQUIRE(writer.flip(true));
    CHECK(maps.row<glb_control>(Map::control, 0).bank == 1);
}
