// EventReader: events in the order of the ring buffer.
#include <catch2/catch.hpp>

#include "controller/datapath/event_reader.h"
#include "tests/unit/datapath/fake_ring.h"

using namespace glb;
using namespace glb::test;
using datapath::EventReader;
using datapath::Map;

namespace {

glb_event event_of(std::uint32_t kind, std::uint32_t ifindex) {
    glb_event event{};
    event.kind = kind;
    event.ifindex = ifindex;
    return event;
}

std::vector<std::uint32_t> poll_interfaces(EventReader &reader) {
    std::vector<std::uint32_t> found;
    REQUIRE(reader.poll([&](const glb_event &event) { found.push_back(event.ifindex); }));
    return found;
}

} // namespace

TEST_CASE("event reader: each event is reported once, in order", "[event-reader]") {
    FakeMaps maps;
    const auto handles = maps.handles();
    EventReader reader(handles);
    CHECK(reader.descriptor() == handles->map(Map::events));
    CHECK(poll_interfaces(reader).empty());
    put_sample(maps[Map::events], event_of(GLB_EVENT_NO_NEIGHBOUR, 5));
    put_sample(maps[Map::events], event_of(GLB_EVENT_NO_METADATA, 6));
    CHECK(poll_interfaces(reader) == std::vector<std::uint32_t>{5, 6});
    CHECK(poll_interfaces(reader).empty());
}

TEST_CASE("event reader: a sample shorter than an event is skipped, a longer one is read", "[event-reader]") {
    FakeMaps maps;
    EventReader reader(maps.handles());
    struct {
        glb_event event = event_of(GLB_EVENT_IN_BAND, 9);
        std::uint64_t more = 1;
    } longer;
    put_sample(maps[Map::events], std::uint32_t{GLB_EVENT_IN_BAND});
    put_sample(maps[Map::events], longer);
    CHECK(poll_interfaces(reader) == std::vector<std::uint32_t>{9});
}

TEST_CASE("event reader: errors are returned, and the next poll() tries again", "[event-reader]") {
    FakeMaps maps;
    EventReader reader(maps.handles());
    maps[Map::events].read_error = EIO;
    const auto failed = reader.poll([](const glb_event &) {});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == EIO);
    CHECK(failed.error().message.starts_with("cannot read events: "));
    maps[Map::events].read_error = 0;
    put_sample(maps[Map::events], event_of(GLB_EVENT_NO_NEIGHBOUR, 5));
    CHECK(poll_interfaces(reader) == std::vector<std::uint32_t>{5});
}

TEST_CASE("event reader: a ring that cannot be mapped is an error", "[event-reader]") {
    FakeMaps maps;
    auto fds = maps.descriptors();
    fds[static_cast<std::size_t>(Map::events)].reset();
    datapath::LoadSettings settings;
    settings.capacity = GLB_FLOW_MIN_CAPACITY;
    EventReader reader(datapath::DatapathHandles::make({}, std::move(fds), settings, {}).value());
    const auto failed = reader.poll([](const glb_event &) {});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == EBADF);
    CHECK(failed.error().message.starts_with("cannot map the ring buffer of events: "));
}

TEST_CASE("event reader: rebind() continues with the events that wait, and frees the earlier ring",
          "[event-reader]") {
    FakeMaps maps;
    {
        EventReader reader(maps.handles());
        CHECK(poll_interfaces(reader).empty());
        put_sample(maps[Map::events], event_of(GLB_EVENT_NO_NEIGHBOUR, 5));
        reader.rebind(maps.handles());
        CHECK(poll_interfaces(reader) == std::vector<std::uint32_t>{5});
        auto moved = std::move(reader);
        put_sample(maps[Map::events], event_of(GLB_EVENT_NO_NEIGHBOUR, 6));
        CHECK(poll_interfaces(moved) == std::vector<std::uint32_t>{6});
        CHECK(open_rings() == 1);
    }
    CHECK(open_rings() == 0);
}
