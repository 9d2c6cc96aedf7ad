#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include <catch2/catch.hpp>
#include <unistd.h>

#include <bpf/bpf.h>

#include "abi/config.h"
#include "abi/probe.h"
#include "controller/guard/guard_program.h"
#include "tests/unit/guard/fake_loader.h"

using namespace glb;
using namespace glb::plan;
using namespace glb::test;
using guard::GuardProgram;

namespace {

constexpr std::uint32_t mask = 0x0fff0000;
const std::vector<std::string> map_names = {"glb_guard_endpoints", "glb_guard_magic", "glb_guard_ports",
                                            "glb_guard_tailcalls"};

struct Pins {
    Pins() {
        char name[] = "/tmp/glb-guard-XXXXXX";
        top = ::mkdtemp(name);
        folder = top / "pins";
    }
    ~Pins() { std::filesystem::remove_all(top); }
    Pins(const Pins &) = delete;
    Pins &operator=(const Pins &) = delete;

    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> names;
        if (std::filesystem::exists(folder))
            for (const auto &file : std::filesystem::directory_iterator(folder))
                names.push_back(file.path().filename());
        std::sort(names.begin(), names.end());
        return names;
    }
    /// Null if there is none.
    [[nodiscard]] FakeMap *map(const std::string &name) const { return FakeLoader::pinned(folder / name); }
    [[nodiscard]] std::vector<FakeMap *> maps() const {
        std::vector<FakeMap *> all;
        for (const auto &name : map_names)
            all.push_back(map(name));
        return all;
    }
    [[nodiscard]] Result<GuardProgram> load(bool fresh = false, std::uint32_t mark_mask = mask) const {
        return GuardProgram::load(folder, mark_mask, fresh);
    }
    [[nodiscard]] glb_guard_endpoint endpoint(std::uint32_t index) const {
        return value<glb_guard_endpoint>("glb_guard_endpoints", index).value();
    }
    [[nodiscard]] std::vector<std::uint64_t> ports() const {
        std::vector<std::uint64_t> keys;
        std::uint64_t next = 0;
        while (map("glb_guard_ports")->next_key(keys.empty() ? nullptr : &keys.back(), &next) == 0)
            keys.push_back(next);
        std::sort(keys.begin(), keys.end());
        return keys;
    }
    template <typename Value, typename Key>
    [[nodiscard]] std::optional<Value> value(const std::string &name, const Key &key) const {
        const auto *bytes = map(name)->find_row(&key);
        if (!bytes)
            return std::nullopt;
        Value found{};
        std::memcpy(&found, bytes, sizeof found);
        return found;
    }

    std::filesystem::path top, folder;
};

GuardedPort port_of(unsigned ifindex, std::uint16_t endpoint, std::array<std::uint16_t, 2> vlans = {}) {
    GuardedPort port;
    port.ifindex = ifindex;
    port.endpoint = endpoint;
    port.vlans = vlans;
    return port;
}

GuardPlan plan_of(std::vector<GuardedPort> ports) {
    return {mask, std::move(ports)};
}

std::uint64_t key_of(unsigned ifindex, std::uint16_t outer = 0, std::uint16_t inner = 0) {
    return glb_logical_port_key(ifindex, outer, inner);
}

} // namespace

TEST_CASE("guard program: load creates and pins the maps, and sets the mask") {
    const FakeLoader loader;
    const Pins pins;
    const auto program = pins.load();
    REQUIRE(program);
    CHECK(program->mark_mask() == mask);
    CHECK(program->id() != 0);
    const auto *object = find_fake<FakeTcProgram>(program->fd());
    REQUIRE(object);
    CHECK(object->id() == program->id());
    CHECK(pins.files() == map_names);
    CHECK(pins.map("glb_guard_ports")->shape().rows == GLB_MAX_PORTS);
    CHECK(pins.map("glb_guard_endpoints")->shape().rows == GLB_MAX_ENDPOINTS);
}

TEST_CASE("guard program: a second load uses the pinned maps, a fresh one creates new ones") {
    const FakeLoader loader;
    const Pins pins;
    auto first = pins.load();
    REQUIRE(first);
    REQUIRE(first->write_ports(plan_of({port_of(3, 0)})));
    const auto maps = pins.maps();

    const auto second = pins.load(false, 0xff00);
    REQUIRE(second);
    CHECK(second->id() != first->id());
    CHECK(second->mark_mask() == 0xff00);
    CHECK(first->mark_mask() == mask);
    CHECK(pins.maps() == maps);
    CHECK(pins.ports() == std::vector{key_of(3)});

    auto third = pins.load(true);
    REQUIRE(third);
    for (std::size_t i = 0; i < maps.size(); ++i) {
        INFO(map_names[i]);
        REQUIRE(pins.maps()[i]);
        CHECK(pins.maps()[i] != maps[i]);
    }
    CHECK(pins.ports().empty());
    REQUIRE(third->write_ports(plan_of({port_of(4, 0)})));
    CHECK(pins.ports() == std::vector{key_of(4)});
    const auto key = key_of(3);
    CHECK(maps[2]->find_row(&key)); // filters of the first program still read them
}

TEST_CASE("guard program: pinned maps of another layout are replaced, all of them") {
    FakeLoader loader;
    const Pins pins;
    REQUIRE(pins.load());
    const auto maps = pins.maps();
    auto shape = pins.map("glb_guard_ports")->shape();
    shape.value_bytes = 4;
    std::filesystem::remove(pins.folder / "glb_guard_ports");
    REQUIRE(bpf_obj_pin(loader.create(shape).fd(), (pins.folder / "glb_guard_ports").c_str()) == 0);
    (void)operations().take();

    const auto program = pins.load();
    REQUIRE(program);
    CHECK(pins.map("glb_guard_ports")->shape().value_bytes == sizeof(glb_guard_port));
    for (std::size_t i = 0; i < maps.size(); ++i) {
        INFO(map_names[i]);
        CHECK(pins.maps()[i] != maps[i]);
    }
    const auto done = operations().take();
    CHECK(std::count(done.begin(), done.end(), "load") == 2);
}

TEST_CASE(
    "guard program: a load that fails is reported with its cause, and repeated once only after EINVAL") {
    const FakeLoader loader;
    const Pins pins;
    SECTION("no permission") {
        operations().fail(1, EPERM, 1);
        const auto program = pins.load();
        REQUIRE_FALSE(program);
        CHECK(program.error().code == EPERM);
        CHECK(program.error().message.find("cannot load the guard program") == 0);
    }
    SECTION("EINVAL twice") {
        operations().fail(1, EINVAL, 2);
        const auto program = pins.load();
        REQUIRE_FALSE(program);
        CHECK(program.error().code == EINVAL);
        CHECK_FALSE(operations().fails_later());
    }
    SECTION("a pin cannot be created") {
        operations().fail(3, ENOSPC);
        const auto program = pins.load();
        REQUIRE_FALSE(program);
        CHECK(program.error().code == ENOSPC);
    }
    SECTION("the folder cannot be created") {
        std::ofstream(pins.folder) << "a file";
        CHECK_FALSE(GuardProgram::load(pins.folder / "below", mask, false));
        CHECK(operations().take().empty());
        std::filesystem::remove(pins.folder);
    }
    REQUIRE(pins.load());
    CHECK(pins.files() == map_names);
}

TEST_CASE("guard program: write sets the guarded ports") {
    const FakeLoader loader;
    const Pins pins;
    auto program = pins.load();
    REQUIRE(program);
    auto open = port_of(7, 0);
    open.when_detached = config::WhenDetached::pass;
    GuardedPort tunnel;
    tunnel.ifindex = 8;
    REQUIRE(program->write_ports(plan_of(
        {port_of(3, 0), port_of(3, 2, {100, 0}), port_of(4, 2, {100, 7}), port_of(0, 4), open, tunnel})));
    std::vector<std::uint64_t> keys = {key_of(3), key_of(3, 100), key_of(4, 100, 7)};
    std::sort(keys.begin(), keys.end());
    CHECK(pins.ports() == keys);
    for (const auto key : keys)
        CHECK(pins.value<glb_guard_port>("glb_guard_ports", key)->mark == guard_mark(mask));

    REQUIRE(program->write_ports(plan_of({port_of(3, 1)})));
    CHECK(pins.ports() == std::vector{key_of(3)});
    REQUIRE(program->write_ports(plan_of({})));
    CHECK(pins.ports().empty());
}

TEST_CASE("guard program: rows of the endpoints are written, and cleared for those that are gone") {
    const FakeLoader loader;
    const Pins pins;
    auto program = pins.load();
    REQUIRE(program);
    const MacAddress mac{{2, 0, 0, 0, 0, 7}};
    REQUIRE(program->write_endpoints({{1, {endpoint_mark(mask, 1), 5, mac, true}}, {4, {7, 0, {}, false}}}));
    const auto row = pins.endpoint(1);
    CHECK(row.mark == endpoint_mark(mask, 1));
    CHECK(row.ifindex == 5);
    CHECK(row.mac[0] == 2);
    CHECK(row.mac[5] == 7);
    CHECK(row.flags == GLB_GUARD_FILTERED);
    CHECK(pins.endpoint(0).mark == 0);
    CHECK(pins.endpoint(4).ifindex == 0);
    CHECK(pins.endpoint(4).flags == 0);
    REQUIRE(program->write_endpoints({}));
    CHECK(pins.endpoint(1).mark == 0);
    CHECK(pins.endpoint(1).ifindex == 0);
    operations().fail(GLB_MAX_ENDPOINTS);
    const auto written = program->write_endpoints({});
    REQUIRE_FALSE(written);
    CHECK(written.error().code == EIO);
}

TEST_CASE("guard program: write adds ports before it removes others, and keeps the rest") {
    const FakeLoader loader;
    const Pins pins;
    auto program = pins.load();
    REQUIRE(program);
    REQUIRE(program->write_ports(plan_of({port_of(3, 0), port_of(4, 0)})));
    (void)operations().take();
    REQUIRE(program->write_ports(plan_of({port_of(4, 0), port_of(5, 0), port_of(6, 0)})));
    CHECK(operations().take() == std::vector<std::string>{"glb_guard_ports[]", "glb_guard_ports[]",
                                                          "glb_guard_ports[]", "-glb_guard_ports[]"});
    CHECK(pins.ports() == std::vector{key_of(4), key_of(5), key_of(6)});
}

TEST_CASE("guard program: a write that fails leaves ports that were guarded guarded, and can be repeated") {
    const FakeLoader loader;
    const Pins pins;
    auto program = pins.load();
    REQUIRE(program);
    REQUIRE(program->write_ports(plan_of({port_of(3, 0)})));
    const auto plan = plan_of({port_of(4, 0)});
    const auto [nth, ports] = GENERATE(table<std::size_t, std::vector<std::uint64_t>>({
        {1, {key_of(3)}},
        {2, {key_of(3), key_of(4)}},
    }));
    CAPTURE(nth);
    operations().fail(nth);
    const auto written = program->write_ports(plan);
    REQUIRE_FALSE(written);
    CHECK(written.error().code == EIO);
    CHECK(pins.ports() == ports);
    REQUIRE(program->write_ports(plan));
    CHECK(pins.ports() == std::vector{key_of(4)});
}

TEST_CASE("guard program: the magic is written, and stays in maps that a later load uses") {
    const FakeLoader loader;
    const Pins pins;
    auto program = pins.load();
    REQUIRE(program);
    CHECK(pins.value<std::uint32_t>("glb_guard_magic", 0u) == 0u);
    REQUIRE(program->set_magic(0x12345678));
    REQUIRE(pins.load());
    CHECK(pins.value<std::uint32_t>("glb_guard_magic", 0u) == 0x12345678u);
    operations().fail(1);
    const auto written = program->set_magic(5);
    REQUIRE_FALSE(written);
    CHECK(written.error().code == EIO);
}

TEST_CASE("guard program: unpin removes the pins, and the program can still be written") {
    const FakeLoader loader;
    const Pins pins;
    CHECK(GuardProgram::unpin(pins.folder)); // no folder
    auto program = pins.load();
    REQUIRE(program);
    auto *ports = pins.map("glb_guard_ports");
    std::ofstream(pins.folder / "other") << "of another program";
    REQUIRE(GuardProgram::unpin(pins.folder));
    CHECK(pins.files() == std::vector<std::string>{"other"});
    REQUIRE(GuardProgram::unpin(pins.folder));
    REQUIRE(program->write_ports(plan_of({port_of(3, 0)})));
    const auto key = key_of(3);
    CHECK(ports->find_row(&key));

    std::filesystem::create_directory(pins.folder / "glb_guard_endpoints");
    const auto failed = GuardProgram::unpin(pins.folder);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.find("cannot unpin glb_guard_endpoints") == 0);
}
