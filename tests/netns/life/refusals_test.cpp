// Starts and changes that glbd refuses: with one line that names the reason, and without side effects.
#include <algorithm>
#include <fstream>
#include <sys/mount.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

std::string state_of(const TwoArm &testbed) {
    return kernel_state(testbed.node, {"srv0", "under0"});
}

/// Output of a start that failed.
struct Failure {
    std::string line; ///< from the last "glbd: " on
    bool one_line = false;
};

/// Starts glbd and checks that it fails and leaves nothing behind.
Failure fails_to_start(const TwoArm &testbed, const std::vector<std::string> &options,
                       const std::vector<std::string> &launcher = {}) {
    const auto before = kernel_state(testbed.node, testbed.devices);
    Daemon glbd(testbed.node);
    auto &process = glbd.launch(testbed.manifest(), options, launcher);
    const bool ended = process.wait(10s);
    INFO(process.output());
    REQUIRE(ended);
    CHECK(process.code() == 1);
    CHECK(kernel_state(testbed.node, testbed.devices) == before);
    CHECK(glbd.pins().empty());
    CHECK_FALSE(std::filesystem::exists(glbd.folder() / "state/manifest"));
    const auto text = process.output();
    const auto at = text.rfind("glbd: ");
    REQUIRE(at != std::string::npos);
    const auto line = text.substr(at);
    return {line, std::count(line.begin(), line.end(), '\n') == 1};
}

/// A file system of 64 kB that can be filled.
class SmallDisk {
  public:
    SmallDisk() {
        if (::mount("glb-test", folder_.path().c_str(), "tmpfs", 0, "size=64k") != 0)
            throw std::runtime_error("cannot mount a tmpfs");
    }
    ~SmallDisk() { (void)::umount2(folder_.path().c_str(), MNT_DETACH); }
    SmallDisk(const SmallDisk &) = delete;
    SmallDisk &operator=(const SmallDisk &) = delete;

    void fill() const {
        std::ofstream file(folder_.path() / "ballast", std::ios::binary);
        while (file.put('x').flush()) {
        }
    }
    void make_room() const { std::filesystem::remove(folder_.path() / "ballast"); }
    [[nodiscard]] std::string path() const { return folder_.path().string(); }

  private:
    TempFolder folder_;
};

/// An active manifest with traffic, and the state that a refused change must not alter.
class Fixture {
  public:
    explicit Fixture(const std::vector<std::string> &options = {})
        : echo_(testbed.server, 7000), glbd(testbed.node) {
        veth(testbed.node, "ext0", testbed.fabric, "ext");
        glbd.start(testbed.manifest(), options);
        if (!glbd.wait_healthy(1) || !works())
            throw std::runtime_error("traffic does not pass: " + glbd.log());
        before_ = read_state();
    }
    [[nodiscard]] bool works() const {
        return tcp_works(testbed.client, TwoArm::server_address, 7000) &&
               tcp_works(testbed.client, TwoArm::server_address6, 7000);
    }
    /// The active manifest with `ext0` as a further interface of the endpoint.
    [[nodiscard]] json with_ext0() const {
        auto manifest = testbed.manifest();
        manifest["endpoints"][0]["interfaces"].push_back("ext0");
        return manifest;
    }
    [[nodiscard]] std::string read_state() const {
        std::string text = kernel_state(testbed.node, {"cli0", "srv0", "under0", "ext0"});
        for (const auto &pin : glbd.pins())
            text += pin + "\n";
        return text + glbd.must_ctl({"export"}).dump() + glbd.must_ctl({"status"}).at("epoch").dump();
    }
    void update_baseline() { before_ = read_state(); }
    /// Applies a manifest that must be refused, and checks that nothing has changed. Returns glbctl's output.
    [[nodiscard]] std::string apply_refused(const json &manifest) {
        const auto encapsulated = glbd.counter("encapsulated");
        const auto answer = glbd.apply(manifest);
        INFO(answer.text << glbd.log());
        CHECK(answer.code == 1);
        // One line on stderr with the reason and one on stdout with the document.
        CHECK(std::count(answer.text.begin(), answer.text.end(), '\n') <= 2);
        CHECK(read_state() == before_);
        CHECK(glbd.must_ctl({"status"}).at("ready") == true);
        CHECK(glbd.must_ctl({"guard"}).at("installed") == true);
        CHECK(works());
        CHECK(glbd.counter("encapsulated") > encapsulated);
        CHECK(glbd.uninspected() == 0);
        return answer.text;
    }

    TwoArm testbed;

  private:
    TcpServer echo_;
    std::string before_;

  public:
    Daemon glbd;
};

void check_contains(const std::string &text, const std::string &part) {
    INFO(text << "\nmust contain: " << part);
    const bool found = text.find(part) != std::string::npos;
    CHECK(found);
}

} // namespace

TEST_CASE("refused manifest: errors are reported with their JSON pointers, and nothing changes") {
    need_root();
    const TwoArm testbed;
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    const auto before = kernel_state(testbed.node, testbed.devices);
    const auto manifest = glbd.must_ctl({"export"});
    const auto epoch = glbd.must_ctl({"status"}).at("epoch");
    auto broken = testbed.manifest();
    broken["endpoints"][0]["targetGroup"] = "missing";
    broken["targetGroups"][0]["targets"][0]["address"] = "10.1.0.999";
    broken["node"]["unknown"] = 1;
    const auto answer = glbd.apply(broken);
    CHECK(answer.code == 1);
    for (const std::string pointer :
         {"/endpoints/0/targetGroup", "/targetGroups/0/targets/0/address", "/node/unknown"}) {
        INFO(answer.text);
        CHECK(answer.text.find(pointer) != std::string::npos);
    }
    CHECK(glbd.must_ctl({"export"}) == manifest);
    CHECK(glbd.must_ctl({"status"}).at("epoch") == epoch);
    CHECK(kernel_state(testbed.node, testbed.devices) == before);
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000));
}

TEST_CASE("refused manifest: missing interface is named") {
    need_root();
    const TwoArm testbed;
    const auto before = state_of(testbed);
    Daemon glbd(testbed.node);
    glbd.start();
    auto manifest = testbed.manifest();
    manifest["endpoints"][0]["interfaces"] = {"cli0", "srv9"};
    const auto answer = glbd.apply(manifest);
    INFO(answer.text << glbd.log());
    CHECK(answer.code == 1);
    CHECK(answer.text.find("srv9") != std::string::npos);
    CHECK(answer.text.find("/endpoints/0/interfaces/1") != std::string::npos);
    CHECK(state_of(testbed) == before);
    CHECK(glbd.must_ctl({"status"}).at("ready") == false);
    CHECK(glbd.apply(testbed.manifest()).code == 0);
}

TEST_CASE("refused manifest: XDP hook in use by another program is named") {
    need_root();
    const TwoArm testbed;
    const auto before = state_of(testbed);
    Daemon glbd(testbed.node);
    glbd.start();
    std::optional<XdpPass> foreign(with_xdp_pass(testbed.node, "cli0"));
    const auto answer = glbd.apply(testbed.manifest());
    INFO(answer.text << glbd.log());
    CHECK(answer.code == 1);
    CHECK(answer.text.find("cli0") != std::string::npos);
    // One line on stderr with the reason and one on stdout with the document.
    CHECK(std::count(answer.text.begin(), answer.text.end(), '\n') <= 2);
    CHECK(state_of(testbed) == before);
    foreign.reset();
    CHECK(glbd.apply(testbed.manifest()).code == 0);
}

TEST_CASE("refused change: busy XDP hook or missing interface leaves the active manifest unchanged") {
    need_root();
    Fixture fixture;
    auto missing = fixture.testbed.manifest();
    missing["endpoints"][0]["interfaces"].push_back("ext9");
    check_contains(fixture.apply_refused(missing), "there is no interface \\\"ext9\\\" on this machine");
    {
        const auto foreign = with_xdp_pass(fixture.testbed.node, "ext0");
        fixture.update_baseline(); // the foreign program is part of the kernel state
        check_contains(fixture.apply_refused(fixture.with_ext0()), "ext0");
    }
    CHECK(fixture.glbd.apply(fixture.with_ext0()).code == 0);
}

TEST_CASE("refused start: --metrics port in use") {
    need_root();
    const TwoArm testbed;
    const TcpServer occupant(testbed.node, 9468);
    const auto failure = fails_to_start(testbed, {});
    CHECK(failure.one_line);
    check_contains(failure.line, "127.0.0.1 port 9468");
    check_contains(failure.line, "choose another ADDR:PORT with --metrics");
}

TEST_CASE("refused start: missing capabilities") {
    need_root();
    const TwoArm testbed;
    // Another user may not have access to the build folder.
    const TempFolder folder;
    std::filesystem::copy_file(std::filesystem::path(GLB_BIN_FOLDER) / "glbd", folder.path() / "glbd");
    ::chmod(folder.path().c_str(), 0755);
    const auto failure =
        fails_to_start(testbed, {},
                       {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                        "sh", "-c", "shift; exec " + (folder.path() / "glbd").string() + " \"$@\"", "sh"});
    CHECK(failure.one_line);
    check_contains(failure.line,
                   "CAP_BPF is missing: run glbd as root, or give it CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
}

TEST_CASE("refused start: kernel before 6.1") {
    need_root();
    const TwoArm testbed;
    const auto failure = fails_to_start(testbed, {}, {"setarch", "--uname-2.6"});
    CHECK(failure.one_line);
    check_contains(failure.line, "kernel 2.6.");
    check_contains(failure.line, "is not supported (minimum 6.1)");
}

TEST_CASE("refused start: --bpffs not on a BPF file system") {
    need_root();
    const TwoArm testbed;
    const TempFolder folder;
    const auto not_bpffs = (folder.path() / "pins").string();
    auto failure = fails_to_start(testbed, {"--bpffs", not_bpffs});
    CHECK(failure.one_line);
    check_contains(failure.line, not_bpffs + " is not on a BPF file system");
    check_contains(failure.line, "mount -t bpf bpf /sys/fs/bpf");
    CHECK(std::filesystem::is_empty(folder.path()));
    // The default path, in a mount namespace without a bpffs there.
    failure = fails_to_start(
        testbed, {"--bpffs", "/sys/fs/bpf/glb"},
        {"unshare", "--mount", "sh", "-c", "mount -t tmpfs none /sys/fs/bpf && exec \"$@\"", "sh"});
    CHECK(failure.one_line);
    check_contains(failure.line, "/sys/fs/bpf/glb is not on a BPF file system");
}

TEST_CASE("refused start: disk full on the first manifest") {
    need_root();
    const TwoArm testbed;
    const SmallDisk disk;
    disk.fill();
    const auto failure = fails_to_start(testbed, {"--state-dir", disk.path()});
    CHECK(failure.one_line);
    check_contains(failure.line, "No space left on device");
    check_contains(failure.line, disk.path());
    check_contains(failure.line, "free space on the file system");
}

TEST_CASE("refused change: disk full leaves the active manifest unchanged, also after a restart") {
    need_root();
    const SmallDisk disk;
    Fixture fixture({"--state-dir", disk.path()});
    disk.fill();
    auto heavier = fixture.testbed.manifest();
    heavier["targetGroups"][0]["targets"][0]["weight"] = 7;
    for (const auto &manifest : {heavier, fixture.with_ext0()}) {
        const auto text = fixture.apply_refused(manifest);
        check_contains(text, "No space left on device");
        check_contains(text, "free space on the file system");
    }
    fixture.glbd.kill9();
    fixture.glbd.start(nullptr, {"--state-dir", disk.path()});
    CHECK(fixture.glbd.must_ctl({"status"}).at("ready") == true);
    CHECK(fixture.glbd.must_ctl({"export"}).at("targetGroups")[0].at("targets")[0].value("weight", 1) == 1);
    CHECK(fixture.works());
    disk.make_room();
    CHECK(fixture.glbd.apply(heavier).code == 0);
}

TEST_CASE("refused change: driver without native XDP is reported at /node/xdpMode") {
    need_root();
    Fixture fixture;
    fixture.testbed.node.must({"ip", "link", "add", "plain0", "type", "vxlan", "id", "5", "dstport", "4789"});
    fixture.testbed.node.must({"ip", "link", "set", "plain0", "up"});
    auto manifest = fixture.testbed.manifest();
    manifest["endpoints"][0]["interfaces"].push_back("plain0");
    const auto text = fixture.apply_refused(manifest);
    check_contains(
        text,
        "manifest.json: /node/xdpMode: interface plain0 does not accept a native XDP program: Operation not "
        "supported");
    check_contains(text, "\"xdpMode\": \"generic\"");
    check_contains(text, R"({"errors":[{"message":"interface plain0)");
    manifest["node"]["xdpMode"] = "generic";
    CHECK(fixture.glbd.apply(manifest).code == 0);
}

TEST_CASE("glbctl: exit status 3 without a daemon") {
    need_root();
    const TwoArm testbed;
    const Daemon glbd(testbed.node);
    CHECK(glbd.ctl({"status"}).code == 3);
}
