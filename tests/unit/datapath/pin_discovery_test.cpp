// find_pin_sets() and find_stale_pins(): what is found in a bpffs, which set links use, and what may be removed.
#include <catch2/catch.hpp>

#include <fstream>

#include "controller/datapath/pin_sets.h"
#include "controller/datapath/stale_pins.h"
#include "tests/unit/datapath/fake_kernel.h"
#include "tests/unit/datapath/fake_pins.h"

using namespace glb;
using namespace glb::test;
using datapath::find_pin_sets;
using datapath::find_stale_pins;
using datapath::Map;
using datapath::Pins;
namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

constexpr unsigned lan = 3'000'001, wan = 3'000'002;

/// A set whose pins are its metadata and its flow table.
struct FakeSet {
    Pins pins;
    FakeMap &table;
    FakeMap &metadata;
};

struct DiscoveryFixture {
    FakeInterfaces interfaces;
    FakeKernel kernel;
    FakePins folder;

    DiscoveryFixture() { fs::remove_all(folder.folder() / fmt::format("v{}", GLB_SCHEMA)); }

    [[nodiscard]] const fs::path &bpffs() const { return folder.folder(); }
    [[nodiscard]] Pins pins(const std::string &name) const {
        const auto all = Pins::all(bpffs()).value();
        for (const auto &pins : all)
            if (pins.name() == name)
                return pins;
        throw std::runtime_error("no set " + name);
    }
    static void pin(const FakeObject &object, const fs::path &path) {
        REQUIRE(bpf_obj_pin(object.fd(), path.c_str()) == 0);
    }
    FakeSet add_set(const std::string &name, std::uint32_t capacity = 4096) {
        for (const auto *part : {"maps", "tables", "programs"})
            fs::create_directories(bpffs() / name / part);
        FakeSet set{
            pins(name),
            kernel.create_map({"glb_flows_hot", BPF_MAP_TYPE_ARRAY, 4, sizeof(glb_flow_hot), capacity}),
            kernel.create_map({"glb_metadata", BPF_MAP_TYPE_ARRAY, 4, sizeof(glb_metadata), 1})};
        glb_metadata metadata{};
        metadata.schema = set.pins.schema();
        metadata.shape = {capacity / GLB_FLOW_WAYS - 1, GLB_FLOW_WAYS, GLB_FLOW_BUCKETS, 0};
        write(set, metadata);
        pin(set.table, set.pins.map(Map::flows_hot));
        pin(set.metadata, set.pins.map(Map::metadata));
        return set;
    }
    static void write(const FakeSet &set, const glb_metadata &metadata) {
        const std::uint32_t row = 0;
        REQUIRE(set.metadata.write_row(&row, &metadata) == 0);
    }
    /// Attached to `ifindexes`, and pinned in the set.
    FakeProgram &attach(const FakeSet &set, const std::vector<std::uint32_t> &tables,
                        const std::vector<unsigned> &ifindexes) {
        auto &program = kernel.create_program(1, tables);
        REQUIRE(set.pins.pin_program(program.fd()));
        for (const auto ifindex : ifindexes)
            pin(interfaces.create_link(ifindex, program.id()), set.pins.link(ifindex));
        return program;
    }
    [[nodiscard]] datapath::PinSets find() const {
        auto found = find_pin_sets(bpffs());
        REQUIRE(found);
        return std::move(*found);
    }
    /// Names of the sets by what the daemon does with them.
    [[nodiscard]] std::string plan(std::uint32_t capacity) const {
        const auto found = find();
        std::vector<datapath::PinSetInfo> infos;
        for (const auto &set : found.sets)
            infos.push_back(set.info);
        const auto plan = plan_takeover(infos, GLB_SCHEMA, capacity);
        const auto name = [&](std::optional<std::size_t> index) {
            return index ? found.sets[*index].pins.name() : "none";
        };
        auto text = fmt::format("active {}, source {}", name(plan.active), name(plan.source));
        for (const auto index : plan.discard)
            text += ", discard " + found.sets[index].pins.name();
        return text;
    }
    [[nodiscard]] Names stale(const std::string &active) const {
        const auto found = find_stale_pins(bpffs(), pins(active));
        REQUIRE(found);
        Names names;
        for (const auto &pin : *found)
            names.push_back(pin.kind + " " + fs::path(pin.pin).lexically_relative(bpffs()).string());
        return names;
    }
    [[nodiscard]] std::set<std::string> files() const {
        std::set<std::string> all;
        for (const auto &entry : fs::recursive_directory_iterator(bpffs()))
            all.insert(entry.path().lexically_relative(bpffs()).string());
        return all;
    }
};

const std::string current = fmt::format("v{}", GLB_SCHEMA), resized = current + "-1";

} // namespace

TEST_CASE("pin sets: an absent or empty folder has none, and foreign folders are none", "[sets]") {
    DiscoveryFixture it;
    CHECK(it.find().sets.empty());
    fs::create_directories(it.bpffs() / "guard");
    fs::create_directories(it.bpffs() / "v3x" / "maps");
    std::ofstream(it.bpffs() / "note") << "text";
    CHECK(it.find().sets.empty());
    CHECK(it.plan(4096) == "active none, source none");
    CHECK(find_pin_sets(it.bpffs() / "absent")->sets.empty());
}

TEST_CASE("pin sets: a set has the capacity, table and links that the kernel reports", "[sets]") {
    DiscoveryFixture it;
    const auto set = it.add_set(current, 8192);
    const auto &program = it.attach(set, {set.table.id()}, {lan, wan});
    const auto found = it.find();
    REQUIRE(found.sets.size() == 1);
    const auto &info = found.sets[0].info;
    CHECK(info.schema == GLB_SCHEMA);
    CHECK(info.filled);
    CHECK(info.capacity == 8192);
    CHECK(info.table_id == set.table.id());
    CHECK(info.interfaces == 2);
    CHECK(info.previous_table_id == 0);
    REQUIRE(found.programs.size() == 1);
    CHECK(FakeObject::find(found.programs.at(program.id()).get()) == &program);
    CHECK(it.plan(8192) == fmt::format("active {}, source none", current));
    CHECK(it.plan(4096) == fmt::format("active none, source {}", current));
}

TEST_CASE("pin sets: of two sets during a swap, the one whose program looks up the other's table is newer",
          "[sets]") {
    DiscoveryFixture it;
    const auto older = it.add_set(current, 4096), newer = it.add_set(resized, 8192);
    it.attach(older, {older.table.id()}, {lan});
    it.attach(newer, {newer.table.id(), older.table.id()}, {wan});
    const auto found = it.find();
    REQUIRE(found.sets.size() == 2);
    CHECK(found.sets[0].info.interfaces == 1);
    CHECK(found.sets[0].info.previous_table_id == 0);
    CHECK(found.sets[1].info.interfaces == 1);
    CHECK(found.sets[1].info.previous_table_id == older.table.id());
    CHECK(it.plan(8192) == fmt::format("active {}, source {}", resized, current));
    CHECK(it.plan(4096) == fmt::format("active {}, source {}", current, resized));
    CHECK(it.plan(16384) == fmt::format("active none, source {}", resized));
}

TEST_CASE("pin sets: after a swap the older table is a source only while a linked program looks it up",
          "[sets]") {
    DiscoveryFixture it;
    const auto older = it.add_set(current, 4096), newer = it.add_set(resized, 8192);
    it.attach(newer, {newer.table.id(), older.table.id()}, {lan});
    CHECK(it.plan(8192) == fmt::format("active {}, source {}", resized, current));
    it.interfaces.create_link(lan, it.attach(newer, {newer.table.id()}, {wan}).id());
    fs::remove(newer.pins.link(lan)); // only the final program has a link
    CHECK(it.plan(8192) == fmt::format("active {}, source none, discard {}", resized, current));
}

TEST_CASE("pin sets: links to another program, dead ones and foreign pins belong to no set", "[sets]") {
    DiscoveryFixture it;
    const auto set = it.add_set(current);
    auto &foreign = it.kernel.create_program(2, {set.table.id()}); // pinned in no set
    it.pin(it.interfaces.create_link(lan, foreign.id()), set.pins.link(lan));
    const auto &program = it.attach(set, {set.table.id()}, {wan});
    it.interfaces.remove(wan);
    it.pin(set.table, set.pins.link(7));                                             // a map
    it.pin(it.interfaces.create_link(8, program.id()), set.pins.link(9));            // of another interface
    it.pin(it.interfaces.create_link(10, program.id()), it.bpffs() / "links/other"); // by another name
    CHECK(it.find().sets[0].info.interfaces == 0);
    CHECK(it.plan(4096) == fmt::format("active {}, source none", current));
}

TEST_CASE("pin sets: a set with damaged metadata is discarded, unless links use it", "[sets]") {
    DiscoveryFixture it;
    const auto set = it.add_set(current);
    const auto shape = glb_flow_shape{4096 / GLB_FLOW_WAYS - 1, GLB_FLOW_WAYS, GLB_FLOW_BUCKETS, 0};
    for (const auto &damaged :
         {glb_metadata{}, glb_metadata{GLB_SCHEMA + 1, 0, {}, {}, shape},
          glb_metadata{GLB_SCHEMA, 0, {}, {}, {0, GLB_FLOW_WAYS, GLB_FLOW_BUCKETS, 0}}}) {
        it.write(set, damaged);
        CHECK_FALSE(it.find().sets[0].info.filled);
        CHECK(it.plan(4096) == fmt::format("active none, source none, discard {}", current));
    }
    it.attach(set, {set.table.id()}, {lan});
    CHECK(it.plan(4096) == "active none, source none");
}

TEST_CASE("pin sets: metadata that cannot be read is an error, not an empty set", "[sets]") {
    DiscoveryFixture it;
    const auto set = it.add_set(current);
    set.metadata.read_error = EIO;
    CHECK(find_pin_sets(it.bpffs()).error().message.starts_with("cannot read the pin "));
    set.metadata.read_error = 0;
    fs::remove(set.pins.map(Map::metadata));
    std::ofstream(set.pins.map(Map::metadata)) << "no pin";
    CHECK(find_pin_sets(it.bpffs()).error().message.starts_with("cannot open the pin "));
}

TEST_CASE("pin sets: a flow table, program or link that cannot be opened is an error, not an unused set",
          "[sets]") {
    DiscoveryFixture it;
    const auto older = it.add_set(current, 4096), newer = it.add_set(resized, 8192);
    const auto &program = it.attach(newer, {newer.table.id(), older.table.id()}, {lan});
    const auto plan = it.plan(8192);
    CHECK(plan == fmt::format("active {}, source {}", resized, current));
    for (const auto &pin :
         {older.pins.map(Map::flows_hot), newer.pins.map(Map::flows_hot), newer.pins.link(lan),
          it.bpffs() / resized / "programs" / std::to_string(program.id())}) {
        CAPTURE(pin.string());
        open_failures()[pin.string()] = ENOMEM;
        const auto failed = find_pin_sets(it.bpffs());
        open_failures().clear();
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOMEM);
        CHECK(failed.error().message.starts_with("cannot open the pin " + pin.string() + ": "));
        CHECK(it.plan(8192) == plan);
    }
}

TEST_CASE("pin sets: foreign files among the programs of a set are ignored", "[sets]") {
    DiscoveryFixture it;
    const auto set = it.add_set(current);
    it.attach(set, {set.table.id()}, {lan});
    fs::create_directories(it.bpffs() / current / "programs" / "folder");
    it.pin(set.table, it.bpffs() / current / "programs" / "map");
    const auto found = it.find();
    CHECK(found.programs.size() == 1);
    CHECK(found.sets[0].info.interfaces == 1);
}

TEST_CASE("stale pins: sets without links and links without an interface, nothing else", "[stale]") {
    DiscoveryFixture it;
    const auto active = it.add_set(current);
    it.add_set("v3");
    it.add_set(resized);
    it.attach(active, {active.table.id()}, {lan, wan});
    CHECK(it.stale(current) == Names{"maps v3", "maps " + resized});
    it.interfaces.remove(wan);
    fs::create_directories(it.bpffs() / "guard");
    fs::create_directories(it.bpffs() / "v3x");
    it.pin(active.table, it.bpffs() / "links" / "other");
    it.pin(active.table, active.pins.link(7)); // a map
    CHECK(it.stale(current) == Names{"maps v3", "maps " + resized, fmt::format("link links/xdp-{}", wan)});
}

TEST_CASE("stale pins: a set is in use while links or the active set's program use its table", "[stale]") {
    DiscoveryFixture it;
    const auto older = it.add_set(current, 4096), newer = it.add_set(resized, 8192);
    it.attach(newer, {newer.table.id(), older.table.id()}, {lan});
    CHECK(it.stale(resized).empty()); // its program looks the older table up
    CHECK(it.stale(current).empty()); // has a link
    it.attach(older, {older.table.id()}, {wan});
    CHECK(it.stale(resized).empty());
    CHECK(it.stale(current).empty());
}

TEST_CASE("stale pins: remove() removes exactly what was reported", "[stale]") {
    DiscoveryFixture it;
    const auto active = it.add_set(current), old = it.add_set(resized);
    it.attach(active, {active.table.id()}, {lan, wan});
    it.pin(active.table, it.bpffs() / "links" / "other");
    const auto before = it.files();
    it.interfaces.remove(wan);
    auto expected = before;
    std::erase_if(expected, [&](const std::string &file) {
        return file.starts_with(resized) || file == fmt::format("links/xdp-{}", wan);
    });
    const auto stale = find_stale_pins(it.bpffs(), active.pins);
    REQUIRE(stale);
    REQUIRE(stale->size() == 2);
    for (const auto &pin : *stale)
        CHECK(pin.remove());
    CHECK(it.files() == expected);
    for (const auto &pin : *stale)
        CHECK(pin.remove()); // of what is gone
    CHECK(it.stale(current).empty());
}

TEST_CASE("stale pins: a removal that fails names the pin, and is reported again until it succeeds",
          "[stale]") {
    for (std::size_t nth = 1; nth <= 3; ++nth) { // two maps and a link
        CAPTURE(nth);
        DiscoveryFixture it;
        const auto active = it.add_set(current);
        it.add_set(resized);
        it.attach(active, {active.table.id()}, {lan, wan});
        it.interfaces.remove(wan);
        operations().fail(nth, EBUSY);
        unsigned failures = 0;
        const auto stale = find_stale_pins(it.bpffs(), active.pins);
        REQUIRE(stale);
        for (const auto &pin : *stale)
            if (const auto removed = pin.remove(); !removed) {
                ++failures;
                CHECK(removed.error().code == EBUSY);
                CHECK(removed.error().message.starts_with("cannot remove the pin " + it.bpffs().string()));
            }
        CHECK(failures == 1);
        CHECK(it.plan(4096).starts_with(fmt::format("active {}, source none", current)));
        const auto again = find_stale_pins(it.bpffs(), active.pins);
        REQUIRE(again);
        REQUIRE(again->size() == 1);
        CHECK(again->front().remove());
        CHECK(it.stale(current).empty());
    }
}

TEST_CASE("pins: a set whose removal was interrupted is not taken over", "[sets]") {
    for (std::size_t nth = 1; nth <= 7; ++nth) { // a program and six maps
        CAPTURE(nth);
        DiscoveryFixture it;
        const auto set = it.add_set(current);
        it.attach(set, {set.table.id()}, {});
        for (const auto map : {Map::control, Map::groups, Map::index_names, Map::targets})
            it.pin(set.table, set.pins.map(map));
        operations().fail(nth, EIO, 1000);
        CHECK_FALSE(set.pins.remove());
        operations().reset();
        CHECK(it.plan(4096) == (nth == 1 ? fmt::format("active {}, source none", current)
                                         : fmt::format("active none, source none, discard {}", current)));
        REQUIRE(set.pins.remove());
        CHECK(it.find().sets.empty());
    }
}
