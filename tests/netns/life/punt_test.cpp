// An interface whose driver lacks XDP metadata cannot punt packets, which is reported.
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

/// Emits the event of a packet on an interface whose driver lacks metadata.
void report_no_metadata(const Daemon &glbd, unsigned ifindex) {
    const std::unique_ptr<no_metadata, void (*)(no_metadata *)> skeleton(no_metadata::open(),
                                                                         no_metadata::destroy);
    REQUIRE(skeleton);
    skeleton->rodata->reported_ifindex = ifindex;
    const auto pins = glbd.pins();
    const auto pin =
        std::find_if(pins.begin(), pins.end(), [](const auto &name) { return name.ends_with("glb_events"); });
    REQUIRE(pin != pins.end());
    const glb::Fd ring(bpf_obj_get((glbd.bpffs() / *pin).c_str()));
    REQUIRE(bpf_map__reuse_fd(skeleton->maps.glb_events, ring.get()) == 0);
    REQUIRE(no_metadata::load(skeleton.get()) == 0);
    REQUIRE(run_xdp(bpf_program__fd(skeleton->progs.no_metadata_prog), Bytes(64)).verdict == XDP_DROP);
}

bool has_punt(const Daemon &glbd, const std::string &command, const std::string &interface) {
    const auto document = glbd.must_ctl({command});
    for (const auto &row : document.at("interfaces"))
        if (row.at("name") == interface)
            return row.at("punt");
    throw std::runtime_error("no interface " + interface);
}

} // namespace

TEST_CASE("punt path: driver without metadata is reported by status, guard and the log") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(has_punt(glbd, "status", "cli0"));
    REQUIRE(has_punt(glbd, "guard", "cli0"));

    report_no_metadata(glbd, testbed.node.ifindex("cli0"));
    CHECK(eventually(5s, [&] { return !has_punt(glbd, "status", "cli0"); }));
    CHECK_FALSE(has_punt(glbd, "guard", "cli0"));
    CHECK(has_punt(glbd, "status", "srv0"));
    CHECK(glbd.log().find("its driver does not support XDP metadata") != std::string::npos);
}
