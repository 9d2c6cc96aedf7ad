// glbctl gc removes pins of older versions, and nothing else.
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

std::vector<std::string> pins_in(const json &answer) {
    std::vector<std::string> pins;
    for (const auto &row : answer.at("leftovers"))
        pins.push_back(row.at("pin"));
    std::sort(pins.begin(), pins.end());
    return pins;
}

} // namespace

TEST_CASE("gc: pins of an older version are removed, pins in use and foreign pins stay") {
    need_root();
    const TwoArm testbed;
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    REQUIRE(glbd.must_ctl({"gc"}).at("leftovers").empty());
    const auto &bpffs = glbd.bpffs();
    const auto in_use = glbd.pins();

    for (const char *device : {"stale0", "other0"})
        testbed.node.must({"ip", "link", "add", device, "type", "veth"}); // its peer is not used
    const auto link_pin = [&](const std::string &device) {
        return bpffs / "links" / ("xdp-" + std::to_string(testbed.node.ifindex(device)));
    };
    const auto stale = link_pin("stale0"), alive = link_pin("other0");
    pin_link(testbed.node, "stale0", stale);
    pin_link(testbed.node, "other0", alive);
    testbed.node.must({"ip", "link", "delete", "stale0"});
    (void)pinned_map(bpffs / "v1" / "maps" / "glb_flows_hot");
    (void)pinned_map(bpffs / "v1" / "tables" / "0");
    (void)pinned_map(bpffs / "links" / "xdp-999999");    // not a link
    (void)pinned_map(bpffs / "vault" / "maps" / "mine"); // not a map set of glbd

    std::vector<std::string> leftovers{stale.string(), (bpffs / "v1").string()};
    std::sort(leftovers.begin(), leftovers.end());
    const auto all = glbd.pins();
    const auto dry_run = glbd.must_ctl({"gc", "--dry-run"});
    CHECK(dry_run.at("removed") == false);
    CHECK(pins_in(dry_run) == leftovers);
    CHECK(glbd.pins() == all);

    const auto result = glbd.must_ctl({"gc"});
    CHECK(result.at("removed") == true);
    CHECK(pins_in(result) == leftovers);
    CHECK_FALSE(std::filesystem::exists(bpffs / "v1"));
    CHECK_FALSE(std::filesystem::exists(stale));
    CHECK(std::filesystem::exists(alive));
    const auto remaining = glbd.pins();
    CHECK(std::includes(remaining.begin(), remaining.end(), in_use.begin(), in_use.end()));
    CHECK(remaining.size() == in_use.size() + 3);
    CHECK(glbd.must_ctl({"gc"}).at("leftovers").empty());
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000));
    std::filesystem::remove(alive);
}

TEST_CASE("gc: without an active manifest nothing is removed, and the reason is reported") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start();
    (void)pinned_map(glbd.bpffs() / "v1" / "maps" / "glb_flows_hot");
    const auto answer = glbd.ctl({"gc"});
    CHECK(answer.code == 1);
    CHECK(answer.text.find("gc needs an active manifest") != std::string::npos);
    CHECK(std::filesystem::exists(glbd.bpffs() / "v1" / "maps" / "glb_flows_hot"));
}

TEST_CASE("pins: what is removed by hand comes back, and after kill -9 the next daemon has the flows") {
    need_root();
    const TwoArm testbed;
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    REQUIRE(tcp_works(testbed.client, TwoArm::server_address, 7000));
    const auto cookie = glbd.flows().at(0).at("cookie");
    const auto before = glbd.pins();
    for (const auto &entry : std::filesystem::directory_iterator(glbd.bpffs()))
        if (entry.path().filename() == "links" || entry.path().filename().string().starts_with("v"))
            std::filesystem::remove_all(entry.path());
    const bool is_back = eventually(std::chrono::seconds(10), [&] { return glbd.pins() == before; });
    CHECK(glbd.pins() == before);
    REQUIRE(is_back);
    CHECK(glbd.log().find("were removed and are restored") != std::string::npos);
    glbd.kill9();
    glbd.start();
    CHECK(glbd.flows().at(0).at("cookie") == cookie);
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000));
}

TEST_CASE("start: with another state directory, the node says whose data path is running") {
    need_root();
    const TwoArm testbed;
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    glbd.kill9();
    glbd.start(nullptr, {"--state-dir", (glbd.folder() / "other").string()});
    const auto status = glbd.must_ctl({"status"});
    CHECK(status.at("ready") == false);
    CHECK(
        status.at("notReadyReason").get<std::string>().find("a data path of an earlier daemon is running") ==
        0);
    CHECK(glbd.ctl({"status", "--check"}).code == 1);
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000));
}
