// load(): constants, sizes and pins of a load, and what a failed one leaves. The tracepoints of redirects.
#include <catch2/catch.hpp>

#include <algorithm>
#include <sys/stat.h>

#include "controller/datapath/loader.h"
#include "controller/datapath/redirect_tracepoints.h"
#include "tests/unit/datapath/fake_kernel.h"
#include "tests/unit/datapath/fake_pins.h"

using namespace glb;
using namespace glb::test;
using datapath::DatapathHandles;
using datapath::LoadSettings;
using datapath::Map;
using datapath::RedirectTracepoints;

namespace {

LoadSettings settings_of(std::uint32_t capacity = 8192) {
    LoadSettings settings;
    settings.capacity = capacity;
    for (std::uint32_t i = 0; i < settings.table_key.size(); ++i)
        settings.table_key[i] = 100 + i;
    settings.punt_magic = 77;
    return settings;
}

struct LoadFixture {
    FakeKernel kernel;
    FakePins folder;
    datapath::Pins pins = folder.pins();

    [[nodiscard]] std::set<std::string> pinned() const {
        std::set<std::string> names;
        for (const auto &entry : std::filesystem::directory_iterator(pins.maps()))
            names.insert(entry.path().filename());
        return names;
    }
};

const FakeMap &map_of(const DatapathHandles &handles, Map map) {
    const auto *found = find_fake<FakeMap>(handles.map(map));
    REQUIRE(found);
    return *found;
}

constexpr Map unpinned[] = {Map::flows_prev, Map::context};

} // namespace

TEST_CASE("loader: key, capacity and punt magic are constants of the program, and sizes of its maps",
          "[loader]") {
    LoadFixture it;
    const auto capacity = GENERATE(8192u, static_cast<std::uint32_t>(GLB_FLOW_MIN_CAPACITY));
    const auto handles = datapath::load(settings_of(capacity));
    REQUIRE(handles);
    REQUIRE(it.kernel.loads.size() == 1);
    const auto &constants = it.kernel.loads[0].constants;
    for (std::uint32_t i = 0; i < GLB_NH_KEYS; ++i)
        CHECK(constants.glb_settings.table_key.word[i] == 100 + i);
    CHECK(constants.glb_settings.bucket_mask == capacity / GLB_FLOW_WAYS - 1);
    CHECK(constants.glb_settings.punt_magic == 77);
    CHECK(constants.glb_prev_shape.bucket_mask == 0);
    CHECK(map_of(**handles, Map::flows_hot).shape().rows == capacity);
    CHECK(map_of(**handles, Map::flows_cold).shape().rows == capacity);
    CHECK(map_of(**handles, Map::target_counts).shape().rows == fake_cpus * GLB_MAX_TARGETS);
    CHECK(find_fake<FakeProgram>((*handles)->program()) == it.kernel.loads[0].program);
    CHECK((*handles)->capacity() == capacity);
    CHECK_FALSE((*handles)->pins());
    CHECK(it.pinned().empty());
    CHECK(it.kernel.open_skeletons == 0); // the handles have descriptors of their own
    for (const auto map : datapath::all_maps)
        CHECK(map_of(**handles, map).shape().name == to_string(map));
}

TEST_CASE("loader: settings that no table can have are refused before anything is created", "[loader]") {
    LoadFixture it;
    for (const std::uint32_t capacity : {0u, 8191u, GLB_FLOW_MIN_CAPACITY / 2u, 2 * GLB_FLOW_MAX_CAPACITY})
        CHECK(
            datapath::load(settings_of(capacity), it.pins)
                .error()
                .message.starts_with(fmt::format("flow table capacity {} is not a power of two", capacity)));
    auto settings = settings_of();
    settings.punt_magic = 0;
    CHECK(datapath::load(settings, it.pins).error().message == "the magic of the punt path must not be 0");
    CHECK(operations().take().empty());
}

TEST_CASE("loader: all maps but scratch space and the previous table are pinned, and used by the next load",
          "[loader]") {
    LoadFixture it;
    const auto first = datapath::load(settings_of(), it.pins);
    REQUIRE(first);
    std::set<std::string> expected;
    for (const auto map : datapath::all_maps)
        if (std::ranges::find(unpinned, map) == std::end(unpinned))
            expected.insert(to_string(map));
    CHECK(it.pinned() == expected);
    const auto second = datapath::load(settings_of(), it.pins);
    REQUIRE(second);
    for (const auto map : datapath::all_maps) {
        CAPTURE(to_string(map));
        const bool same = map_of(**first, map).id() == map_of(**second, map).id();
        CHECK(same == expected.contains(to_string(map)));
        CHECK(it.kernel.loads[1].program->uses(map_of(**second, map).id()));
    }
    CHECK((*second)->pins()->name() == it.pins.name());
}

TEST_CASE("loader: a pinned table of another capacity is an error and stays", "[loader]") {
    LoadFixture it;
    REQUIRE(datapath::load(settings_of(8192), it.pins));
    const auto before = it.pinned();
    const auto failed = datapath::load(settings_of(4096), it.pins);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == EINVAL);
    CHECK(it.pinned() == before);
    CHECK(datapath::load(settings_of(8192), it.pins));
}

TEST_CASE("loader: with a source the program also looks up its table, with its shape", "[loader]") {
    LoadFixture it;
    const auto source = datapath::load(settings_of(4096));
    REQUIRE(source);
    const glb_flow_shape shape{511, GLB_FLOW_WAYS, GLB_FLOW_BUCKETS, 0};
    const auto handles = datapath::load(settings_of(), it.pins,
                                        datapath::MigrationSource{(*source)->map(Map::flows_hot), shape});
    REQUIRE(handles);
    CHECK(map_of(**handles, Map::flows_prev).id() == map_of(**source, Map::flows_hot).id());
    CHECK(std::memcmp(&it.kernel.loads[1].constants.glb_prev_shape, &shape, sizeof shape) == 0);
    CHECK_FALSE(std::filesystem::exists(it.pins.map(Map::flows_prev)));
    const auto failed = datapath::load(settings_of(), it.pins, datapath::MigrationSource{-1, shape});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == EBADF);
}

TEST_CASE("loader: a load that fails at any step leaves no pin, and its error ends with libbpf's log",
          "[loader]") {
    std::size_t steps = 0;
    {
        LoadFixture it;
        REQUIRE(datapath::load(settings_of(), it.pins));
        steps = operations().take().size();
    }
    REQUIRE(steps > datapath::all_maps.size());
    for (std::size_t nth = 1; nth <= steps; ++nth) {
        CAPTURE(nth);
        LoadFixture it;
        it.kernel.log = "libbpf: first line\n" + std::string(20000, 'x') + "\nlibbpf: last line\n";
        operations().fail(nth, ENOMEM);
        const auto failed = datapath::load(settings_of(), it.pins);
        REQUIRE_FALSE(failed);
        CHECK_FALSE(operations().fails_later());
        CHECK(failed.error().code == ENOMEM);
        const auto &message = failed.error().message;
        CHECK(message.starts_with("cannot load the XDP program; libbpf's log:\n"));
        CHECK(message.find("libbpf: last line\n") != std::string::npos);
        CHECK(message.find("libbpf: first line\n") == std::string::npos);
        CHECK(message.find("debugging") == std::string::npos);
        CHECK(message.size() < 17000);
        CHECK(it.pinned().empty());
        it.kernel.log.clear();
        REQUIRE(datapath::load(settings_of(), it.pins));
    }
}

TEST_CASE("loader: an error has no lines of an earlier load", "[loader]") {
    LoadFixture it;
    it.kernel.log = "libbpf: line\n";
    operations().fail(1);
    REQUIRE_FALSE(datapath::load(settings_of()));
    it.kernel.log.clear();
    operations().fail(1);
    CHECK(datapath::load(settings_of()).error().message.find("libbpf: line") == std::string::npos);
}

TEST_CASE("redirect tracepoints: they count for the data path's devices in the namespace of the thread",
          "[redirects]") {
    LoadFixture it;
    const auto handles = datapath::load(settings_of());
    REQUIRE(handles);
    struct stat netns {};
    REQUIRE(::stat("/proc/thread-self/ns/net", &netns) == 0);
    {
        auto attached = RedirectTracepoints::attach(**handles);
        REQUIRE(attached);
        CHECK(it.kernel.watched_device_map == map_of(**handles, Map::devmap).id());
        CHECK(it.kernel.watched_namespace == static_cast<std::uint32_t>(netns.st_ino));
        CHECK(it.kernel.watched_drops == map_of(**handles, Map::drops).id());
        CHECK(it.kernel.attached_tracepoints == 3);
        const RedirectTracepoints moved(std::move(*attached));
        attached = fail("gone");
        CHECK(it.kernel.attached_tracepoints == 3);
    }
    CHECK(it.kernel.attached_tracepoints == 0);
    CHECK(it.kernel.open_skeletons == 0);
}

TEST_CASE("redirect tracepoints: a failure at any step is reported and leaves none attached", "[redirects]") {
    LoadFixture it;
    const auto handles = datapath::load(settings_of());
    REQUIRE(handles);
    for (std::size_t nth = 1; nth <= 4; ++nth) { // the map, the load, two tracepoints
        CAPTURE(nth);
        operations().reset();
        operations().fail(nth, EPERM);
        const auto failed = RedirectTracepoints::attach(**handles);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == EPERM);
        CHECK(failed.error().message.starts_with("cannot attach the redirect tracepoints: "));
        CHECK(it.kernel.attached_tracepoints == 0);
        CHECK(it.kernel.open_skeletons == 0);
    }
    CHECK(RedirectTracepoints::attach(**handles));
}
