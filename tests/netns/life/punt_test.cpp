// An interface whose driver has no XDP metadata has no door, and that is told.
#include <algorithm>
#include <memory>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <catch2/catch.hpp>
#include <no_metadata.skel.h>

#include "controller/util/fd.h"
#include "tests/harness/prog_run.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// As if a packet had met a driver without metadata on that interface.
void tell_no_door(const Daemon &glbd, unsigned ifindex) {
    const std::unique_ptr<no_metadata, void (*)(no_metadata *)> skeleton(no_metadata::open(),
                                                                         no_metadata::destroy);
    REQUIRE(skeleton);
    skeleton->rodata->doorless = ifindex;
    const auto pins = glbd.pins();
    const auto pin =
        std::find_if(pins.begin(), pins.end(), [](const auto &name) { return name.ends_with("glb_events"); });
    REQUIRE(pin != pins.end());
    const glb::Fd ring(bpf_obj_get((glbd.bpffs() / *pin).c_str()));
    REQUIRE(bpf_map__reuse_fd(skeleton->maps.glb_events, ring.get()) == 0);
    REQUIRE(no_metadata::load(skeleton.get()) == 0);
    REQUIRE(run_xdp(bpf_program__fd(skeleton->progs.no_door_prog), Bytes(64)).verdict == XDP_DROP);
}

bool has_punt(const Daemon &glbd, const std::string &command, const std::string &interface) {
    const auto document = glbd.must_ctl({command});
    for (const auto &row : document.at("interfaces"))
        if (row.at("name") == interface)
            return row.at("punt");
    throw std::runtime_error("no interface " + interface);
}

} // namespace

TEST_CASE("door: an interface whose driver has no metadata is told in status and guard") {
    need_root();
    const TwoArm world;
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(has_punt(glbd, "status", "cli0"));
    REQUIRE(has_punt(glbd, "guard", "cli0"));

    tell_no_door(glbd, world.node.ifindex("cli0"));
    CHECK(eventually(5s, [&] { return !has_punt(glbd, "status", "cli0"); }));
    CHECK_FALSE(has_punt(glbd, "guard", "cli0"));
    CHECK(has_punt(glbd, "status", "srv0"));
    CHECK(glbd.log().find("has no door") != std::string::npos);
}
