// Transfer of maps from one set to another: which maps are shared, copied and left empty.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

#include "controller/datapath/loader.h"
#include "controller/datapath/migration/map_transfer.h"
#include "tests/unit/datapath/fake_kernel.h"
#include "tests/unit/datapath/fake_pins.h"

using namespace glb;
using namespace glb::test;
using datapath::Map;
using datapath::Pins;
using datapath::share_maps;
using datapath::transfer_config;
using datapath::transfer_counters;
namespace fs = std::filesystem;

namespace {

constexpr Map config_maps[] = {Map::control,      Map::groups,
                               Map::targets,      Map::target_state,
                               Map::group_action, Map::endpoint_override,
                               Map::index_names,  Map::maglev_fingerprints};
constexpr Map counter_maps[] = {Map::drops, Map::counters, Map::endpoint_counts, Map::target_counts};
constexpr Map table_maps[] = {Map::flows_hot, Map::flows_cold, Map::metadata};

template <std::size_t size>
bool is_one_of(const Map (&maps)[size], Map map) {
    return std::ranges::find(maps, map) != std::end(maps);
}

/// A set of this schema, loaded, and an older set of `schema`.
struct TransferFixture {
    FakeKernel kernel;
    FakePins folder; // with the folders of the new set
    Pins into;
    Pins from;
    datapath::DatapathHandlesPtr handles;

    explicit TransferFixture(const std::string &older = fmt::format("v{}", GLB_SCHEMA - 1))
        : into(folder.pins()), from(make_older(older)) {}

    [[nodiscard]] Pins make_older(const std::string &name) const {
        for (const auto *part : {"maps", "tables", "programs"})
            fs::create_directories(folder.folder() / name / part);
        const auto all = Pins::all(folder.folder()).value();
        for (const auto &pins : all)
            if (pins.name() == name)
                return pins;
        throw std::runtime_error("no set");
    }
    void load() {
        datapath::LoadSettings settings;
        settings.capacity = GLB_FLOW_MIN_CAPACITY;
        settings.punt_magic = 1;
        handles = datapath::load(settings, into).value();
        operations().reset();
    }
    /// A map of the older set, pinned under the name that its schema uses.
    FakeMap &add(Map map, const MapShape &shape) const {
        auto &created = const_cast<FakeKernel &>(kernel).create_map(shape);
        fs::remove(from.map(map));
        REQUIRE(bpf_obj_pin(created.fd(), from.map(map).c_str()) == 0);
        return created;
    }
    [[nodiscard]] FakeMap &newer(Map map) const { return *find_fake<FakeMap>(handles->map(map)); }
    /// Every map of the older set as the newer set's, with rows that differ from each other and from 0.
    void add_all() const {
        for (const auto map : datapath::all_maps) {
            const auto shape = newer(map).shape();
            auto &older = add(map, shape);
            if (older.is_hash() || shape.value_bytes == 0)
                continue;
            for (std::uint32_t row = 0; row < std::min(shape.rows, 20'000u); row += 3)
                fill(older, row, static_cast<std::uint8_t>(row % 200 + 1));
        }
    }
    /// The bytes of each CPU's value, which the kernel pads to eight.
    static void fill(FakeMap &map, std::uint32_t row, std::uint8_t first) {
        auto *bytes = map.find_row(&row);
        REQUIRE(bytes);
        const auto padded = (map.shape().value_bytes + 7) / 8 * 8;
        for (std::size_t cpu = 0; cpu < map.row_bytes() / padded; ++cpu)
            std::memset(bytes + cpu * padded, static_cast<int>(first + cpu), map.shape().value_bytes);
    }
    static FakeMap::Bytes bytes(FakeMap &map, std::uint32_t row) {
        const auto *from = map.find_row(&row);
        return {from, from + map.row_bytes()};
    }
    static bool is_zero(FakeMap &map) {
        for (std::uint32_t row = 0; row < std::min(map.shape().rows, 20'000u); ++row)
            if (const auto all = bytes(map, row);
                std::ranges::any_of(all, [](auto byte) { return byte != std::byte{}; }))
                return false;
        return true;
    }
    static bool is_same(FakeMap &a, FakeMap &b) {
        for (std::uint32_t row = 0; row < std::min(a.shape().rows, 20'000u); ++row)
            if (bytes(a, row) != bytes(b, row))
                return false;
        return a.shape().rows == b.shape().rows;
    }
    [[nodiscard]] FakeMap &older(Map map) const {
        const Fd fd(bpf_obj_get(from.map(map).c_str()));
        return *find_fake<FakeMap>(fd.get());
    }
};

std::uint32_t pinned_id(const fs::path &pin) {
    const Fd fd(bpf_obj_get(pin.c_str()));
    const auto *object = FakeObject::find(fd.get());
    return object ? object->id() : 0;
}

std::set<std::string> names_in(const fs::path &folder) {
    std::set<std::string> names;
    for (const auto &entry : fs::directory_iterator(folder))
        names.insert(entry.path().filename());
    return names;
}

} // namespace

TEST_CASE("map transfer: with one schema all maps but the table's are the same, and nothing is copied",
          "[transfer]") {
    TransferFixture it(fmt::format("v{}-1", GLB_SCHEMA));
    std::set<std::string> expected;
    for (const auto map : datapath::all_maps) {
        if (map == Map::flows_prev || map == Map::context)
            continue; // never pinned
        it.add(map, {to_string(map), BPF_MAP_TYPE_ARRAY, 4, 8, 1});
        if (!is_one_of(table_maps, map))
            expected.insert(to_string(map));
    }
    for (const std::uint32_t table : {0u, 5u, GLB_MAX_TABLES - 1u})
        REQUIRE(bpf_obj_pin(it.older(Map::node).fd(), it.from.table(table).c_str()) == 0);
    REQUIRE(share_maps(it.from, it.into));
    CHECK(names_in(it.into.maps()) == expected);
    for (const auto map : datapath::all_maps)
        if (expected.contains(to_string(map)))
            CHECK(pinned_id(it.into.map(map)) == pinned_id(it.from.map(map)));
    CHECK(names_in(it.folder.folder() / it.into.name() / "tables") ==
          std::set<std::string>{"0", "5", std::to_string(GLB_MAX_TABLES - 1)});
    REQUIRE(share_maps(it.from, it.into)); // is pinned already
}

TEST_CASE("map transfer: shared maps are not written", "[transfer]") {
    TransferFixture it(fmt::format("v{}-1", GLB_SCHEMA));
    it.load();
    it.add_all();
    operations().reset();
    REQUIRE(transfer_config(it.from, *it.handles));
    REQUIRE(transfer_counters(it.from, *it.handles));
    CHECK(operations().take().empty());
}

TEST_CASE("map transfer: with another schema only the filter of untracked flows is the same map",
          "[transfer]") {
    const auto older = GENERATE(std::string("v2"), fmt::format("v{}", GLB_SCHEMA + 1));
    TransferFixture it(older);
    for (const auto map : datapath::all_maps)
        it.add(map, {to_string(map), BPF_MAP_TYPE_ARRAY, 4, 8, 1});
    REQUIRE(bpf_obj_pin(it.older(Map::node).fd(), it.from.table(0).c_str()) == 0);
    REQUIRE(share_maps(it.from, it.into));
    CHECK(names_in(it.into.maps()) == std::set<std::string>{"glb_stamps"});
    CHECK(pinned_id(it.into.map(Map::stamps)) == pinned_id(it.from.map(Map::stamps)));
    CHECK_FALSE(fs::exists(it.into.table(0)));
}

TEST_CASE("map transfer: a set whose maps cannot be listed or opened is an error", "[transfer]") {
    TransferFixture it(fmt::format("v{}-1", GLB_SCHEMA));
    auto &map = it.add(Map::node, {"glb_node", BPF_MAP_TYPE_ARRAY, 4, 8, 1});
    REQUIRE(bpf_obj_pin(map.fd(), it.from.table(3).c_str()) == 0);
    for (const auto &pin : {it.from.map(Map::node), it.from.table(3)}) {
        open_failures()[pin.string()] = ENOMEM;
        const auto failed = share_maps(it.from, it.into);
        open_failures().clear();
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOMEM);
        CHECK(failed.error().message.starts_with("cannot open the pin " + pin.string()));
    }
    fs::remove_all(it.from.maps());
    const auto failed = share_maps(it.from, it.into);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.starts_with("cannot read the pins in " + it.from.maps().string() + ": "));
}

TEST_CASE("map transfer: a pin that cannot be made is an error", "[transfer]") {
    TransferFixture it(fmt::format("v{}-1", GLB_SCHEMA));
    auto &map = it.add(Map::node, {"glb_node", BPF_MAP_TYPE_ARRAY, 4, 8, 1});
    REQUIRE(bpf_obj_pin(map.fd(), it.from.table(3).c_str()) == 0);
    for (const std::size_t nth : {1u, 2u}) {
        operations().fail(nth, ENOSPC);
        const auto failed = share_maps(it.from, it.into);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOSPC);
        fs::remove(it.into.map(Map::node));
    }
}

TEST_CASE(
    "map transfer: of another schema configuration and state are copied, in both banks, and nothing else",
    "[transfer]") {
    const auto older =
        GENERATE(std::string("v2"), fmt::format("v{}", GLB_SCHEMA - 1), fmt::format("v{}", GLB_SCHEMA + 1));
    TransferFixture it(older);
    it.load();
    it.add_all();
    REQUIRE(transfer_config(it.from, *it.handles));
    for (const auto map : datapath::all_maps) {
        auto &newer = it.newer(map);
        if (newer.is_hash() || newer.shape().value_bytes == 0)
            continue;
        CAPTURE(to_string(map));
        if (is_one_of(config_maps, map)) {
            CHECK(it.is_same(it.older(map), newer));
            CHECK_FALSE(it.is_zero(newer));
        } else {
            CHECK(it.is_zero(newer));
        }
    }
}

TEST_CASE("map transfer: counters are copied apart from the configuration, per CPU", "[transfer]") {
    TransferFixture it;
    it.load();
    it.add_all();
    REQUIRE(transfer_counters(it.from, *it.handles));
    for (const auto map : datapath::all_maps) {
        auto &newer = it.newer(map);
        if (newer.is_hash() || newer.shape().value_bytes == 0)
            continue;
        CAPTURE(to_string(map));
        CHECK(it.is_zero(newer) == !is_one_of(counter_maps, map));
        if (is_one_of(counter_maps, map))
            CHECK(it.is_same(it.older(map), newer));
    }
    glb_count drops[fake_cpus];
    std::memcpy(drops, it.bytes(it.newer(Map::drops), 3).data(), sizeof drops);
    CHECK(drops[0].packets == 0x0404040404040404);
    CHECK(drops[2].bytes == 0x0606060606060606);
}

TEST_CASE("map transfer: the members that both rows have are copied, of every CPU", "[transfer]") {
    TransferFixture it;
    it.load();
    const auto group = it.newer(Map::groups).shape(), counts = it.newer(Map::endpoint_counts).shape();
    REQUIRE(counts.type == BPF_MAP_TYPE_PERCPU_ARRAY);
    const auto bytes_less = GENERATE(-12, 12); // 12: not a multiple of what the kernel aligns to
    const auto size = [&](const MapShape &shape) {
        return static_cast<std::uint32_t>(static_cast<int>(shape.value_bytes) - bytes_less);
    };
    auto &older_groups = it.add(Map::groups, {"glb_groups", group.type, 4, size(group), group.rows});
    auto &older_counts = it.add(Map::endpoint_counts, {"x", counts.type, 4, size(counts), counts.rows});
    for (const std::uint32_t row : {0u, GLB_MAX_GROUPS + 5u})
        it.fill(older_groups, row, 7);
    it.fill(older_counts, 9, 30);
    REQUIRE(transfer_config(it.from, *it.handles));
    REQUIRE(transfer_counters(it.from, *it.handles));
    const auto expected = [&](const MapShape &shape, std::uint8_t byte) {
        FakeMap::Bytes value(shape.value_bytes);
        std::fill_n(value.begin(), std::min(shape.value_bytes, size(shape)), std::byte{byte});
        return value;
    };
    for (const std::uint32_t row : {0u, GLB_MAX_GROUPS + 5u})
        CHECK(it.bytes(it.newer(Map::groups), row) == expected(group, 7));
    CHECK(it.bytes(it.newer(Map::groups), 1) == FakeMap::Bytes(group.value_bytes));
    FakeMap::Bytes every;
    for (std::uint8_t cpu = 0; cpu < fake_cpus; ++cpu)
        for (const auto byte : expected(counts, static_cast<std::uint8_t>(30 + cpu)))
            every.push_back(byte);
    CHECK(it.bytes(it.newer(Map::endpoint_counts), 9) == every);
}

TEST_CASE("map transfer: maps with fewer or more rows are copied as far as both go", "[transfer]") {
    TransferFixture it;
    it.load();
    const auto shape = it.newer(Map::groups).shape();
    const auto rows = GENERATE(10u, 2 * GLB_BANKS * GLB_MAX_GROUPS);
    auto &older = it.add(Map::groups, {"glb_groups", shape.type, 4, shape.value_bytes, rows});
    for (std::uint32_t row = 0; row < rows; ++row)
        it.fill(older, row, 5);
    REQUIRE(transfer_config(it.from, *it.handles));
    const auto zero = FakeMap::Bytes(shape.value_bytes);
    for (std::uint32_t row = 0; row < shape.rows; ++row)
        CHECK((it.bytes(it.newer(Map::groups), row) == zero) == (row >= rows));
}

TEST_CASE("map transfer: counters that are per CPU in one schema only start at zero", "[transfer]") {
    TransferFixture it;
    it.load();
    const auto shape = it.newer(Map::drops).shape();
    it.fill(it.add(Map::drops, {"glb_drops", BPF_MAP_TYPE_ARRAY, 4, 8, shape.rows}), 1, 9);
    REQUIRE(transfer_counters(it.from, *it.handles));
    CHECK(it.is_zero(it.newer(Map::drops)));
}

TEST_CASE("map transfer: maps that the older set does not have stay empty", "[transfer]") {
    TransferFixture it;
    it.load();
    CHECK(transfer_config(it.from, *it.handles));
    CHECK(transfer_counters(it.from, *it.handles));
    CHECK(operations().take().empty());
}

TEST_CASE("map transfer: Maglev tables are the same maps, at their indexes and pinned again", "[transfer]") {
    TransferFixture it;
    it.load();
    auto &first = it.kernel.create_map({"glb_table", BPF_MAP_TYPE_ARRAY, 4, 4, 8});
    auto &last = it.kernel.create_map({"glb_table", BPF_MAP_TYPE_ARRAY, 4, 4, 8});
    REQUIRE(bpf_obj_pin(first.fd(), it.from.table(2).c_str()) == 0);
    REQUIRE(bpf_obj_pin(last.fd(), it.from.table(GLB_MAX_TABLES - 1).c_str()) == 0);
    REQUIRE(transfer_config(it.from, *it.handles));
    const auto inner = [&](std::uint32_t index) {
        std::uint32_t id = 0;
        std::memcpy(&id, it.newer(Map::maglev).find_row(&index), sizeof id);
        return id;
    };
    CHECK(inner(2) == first.id());
    CHECK(inner(GLB_MAX_TABLES - 1) == last.id());
    CHECK(inner(0) == 0);
    CHECK(pinned_id(it.into.table(2)) == first.id());
    CHECK(names_in(it.folder.folder() / it.into.name() / "tables") ==
          std::set<std::string>{"2", std::to_string(GLB_MAX_TABLES - 1)});
}

TEST_CASE("map transfer: a map that exists and cannot be opened or read is an error, not an absent one",
          "[transfer]") {
    TransferFixture it;
    it.load();
    it.add_all();
    REQUIRE(bpf_obj_pin(it.older(Map::node).fd(), it.from.table(3).c_str()) == 0);
    const auto check = [&](bool counters, int code, const std::string &message) {
        const auto failed =
            counters ? transfer_counters(it.from, *it.handles) : transfer_config(it.from, *it.handles);
        open_failures().clear();
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == code);
        CHECK(failed.error().message.starts_with(message));
    };
    for (const auto map : datapath::all_maps) {
        if (!is_one_of(config_maps, map) && !is_one_of(counter_maps, map))
            continue;
        CAPTURE(to_string(map));
        const bool counters = is_one_of(counter_maps, map);
        open_failures()[it.from.map(map).string()] = EMFILE;
        check(counters, EMFILE, "cannot open the pin " + it.from.map(map).string());
        it.older(map).read_error = EIO;
        check(counters, EIO, fmt::format("cannot read row 0 of {}: ", to_string(map)));
        it.older(map).read_error = 0;
    }
    open_failures()[it.from.table(3).string()] = EMFILE;
    check(false, EMFILE, "cannot open the pin " + it.from.table(3).string());
    CHECK(transfer_config(it.from, *it.handles));
}

TEST_CASE("map transfer: a write that fails is an error, and a repeated transfer completes it",
          "[transfer]") {
    TransferFixture it;
    it.load();
    for (const auto map : config_maps)
        it.fill(it.add(map, it.newer(map).shape()), 0, 3);
    for (const auto map : counter_maps)
        it.fill(it.add(map, it.newer(map).shape()), 1, 4);
    REQUIRE(bpf_obj_pin(it.older(Map::control).fd(), it.from.table(3).c_str()) == 0);
    operations().reset();
    const auto steps = std::size(config_maps) + 2 + std::size(counter_maps);
    const auto transfer = [&]() -> Status {
        GLB_TRY(transfer_config(it.from, *it.handles));
        return transfer_counters(it.from, *it.handles);
    };
    for (std::size_t nth = 1; nth <= steps; ++nth) {
        CAPTURE(nth);
        fs::remove(it.into.table(3));
        operations().reset();
        operations().fail(nth, ENOMEM);
        const auto failed = transfer();
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOMEM);
        REQUIRE(transfer());
    }
    for (const auto map : config_maps)
        CHECK(it.is_same(it.older(map), it.newer(map)));
    for (const auto map : counter_maps)
        CHECK(it.is_same(it.older(map), it.newer(map)));
}
