// glbctl gc: what an older version left goes, and nothing else.
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <iterator>

#include <linux/bpf.h>

#include <bpf/bpf.h>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;

namespace {

glb::Fd pinned_map(const std::filesystem::path &pin) {
    std::filesystem::create_directories(pin.parent_path());
    glb::Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "leftover", 4, 8, 1, nullptr));
    REQUIRE(map);
    REQUIRE(bpf_obj_pin(map.get(), pin.c_str()) == 0);
    return map;
}

/// An XDP link on `device` of the node, pinned as `pin`.
void pin_link(const Namespace &node, const std::string &device, const std::filesystem::path &pin) {
    const std::array<bpf_insn, 2> pass{bpf_insn{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS},
                                       bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    const glb::Fd program(bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass.data(), pass.size(), nullptr));
    REQUIRE(program);
    const auto ifindex = static_cast<int>(node.ifindex(device));
    const glb::Fd link(node.call([&] { return bpf_link_create(program.get(), ifindex, BPF_XDP, nullptr); }));
    REQUIRE(link);
    REQUIRE(bpf_obj_pin(link.get(), pin.c_str()) == 0);
}

std::vector<std::string> named(const json &answer) {
    std::vector<std::string> pins;
    for (const auto &row : answer.at("leftovers"))
        pins.push_back(row.at("pin"));
    std::sort(pins.begin(), pins.end());
    return pins;
}

} // namespace

TEST_CASE("gc: leftovers of an older version go; what is in use, and what is another's, stays") {
    need_root();
    const TwoArm world;
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(1));
    REQUIRE(glbd.must_ctl({"gc"}).at("leftovers").empty());
    const auto &bpffs = glbd.bpffs();
    const auto own = glbd.pins();

    for (const char *device : {"gone0", "other0"})
        world.node.must({"ip", "link", "add", device, "type", "veth"}); // the other end has no part in this
    const auto link_pin = [&](const std::string &device) {
        return bpffs / "links" / ("xdp-" + std::to_string(world.node.ifindex(device)));
    };
    const auto gone = link_pin("gone0"), alive = link_pin("other0");
    pin_link(world.node, "gone0", gone);
    pin_link(world.node, "other0", alive);
    world.node.must({"ip", "link", "delete", "gone0"});
    (void)pinned_map(bpffs / "v1" / "maps" / "glb_flows_hot");
    (void)pinned_map(bpffs / "v1" / "tables" / "0");
    (void)pinned_map(bpffs / "links" / "xdp-999999");    // no link
    (void)pinned_map(bpffs / "vault" / "maps" / "mine"); // no set of ours

    std::vector<std::string> leftovers{gone.string(), (bpffs / "v1").string()};
    std::sort(leftovers.begin(), leftovers.end());
    const auto all = glbd.pins();
    const auto would = glbd.must_ctl({"gc", "--dry-run"});
    CHECK(would.at("removed") == false);
    CHECK(named(would) == leftovers);
    CHECK(glbd.pins() == all);

    const auto did = glbd.must_ctl({"gc"});
    CHECK(did.at("removed") == true);
    CHECK(named(did) == leftovers);
    CHECK_FALSE(std::filesystem::exists(bpffs / "v1"));
    CHECK_FALSE(std::filesystem::exists(gone));
    CHECK(std::filesystem::exists(alive));
    const auto left = glbd.pins();
    CHECK(std::includes(left.begin(), left.end(), own.begin(), own.end()));
    CHECK(left.size() == own.size() + 3);
    CHECK(glbd.must_ctl({"gc"}).at("leftovers").empty());
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000));
    std::filesystem::remove(alive);
}

TEST_CASE("gc: without a manifest in force nothing is removed, and the reason is told") {
    need_root();
    const TwoArm world;
    Daemon glbd(world.node);
    glbd.start();
    (void)pinned_map(glbd.bpffs() / "v1" / "maps" / "glb_flows_hot");
    const auto answer = glbd.ctl({"gc"});
    CHECK(answer.code == 1);
    CHECK(answer.text.find("no manifest is in force") != std::string::npos);
    CHECK(std::filesystem::exists(glbd.bpffs() / "v1" / "maps" / "glb_flows_hot"));
}
