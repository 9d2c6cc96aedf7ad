// What glbd refuses: in one line that names it, with nothing changed and nothing left behind.
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

std::string state_of(const TwoArm &world) {
    return kernel_state(world.node, {"srv0", "under0"});
}

/// A start of glbd that is to fail, and must leave nothing.
struct Failure {
    std::string line; ///< what it said last, "glbd: …"
    bool one_line = false;
};

Failure fails_to_start(const TwoArm &world, const std::vector<std::string> &options,
                       const std::vector<std::string> &launcher = {}) {
    const auto before = kernel_state(world.node, world.devices);
    Daemon glbd(world.node);
    auto &process = glbd.launch(world.manifest(), options, launcher);
    const bool ended = process.wait(10s);
    INFO(process.output());
    REQUIRE(ended);
    CHECK(process.code() == 1);
    CHECK(kernel_state(world.node, world.devices) == before);
    CHECK(glbd.pins().empty());
    CHECK_FALSE(std::filesystem::exists(glbd.folder() / "state/manifest"));
    const auto text = process.output();
    const auto at = text.rfind("glbd: ");
    REQUIRE(at != std::string::npos);
    const auto line = text.substr(at);
    return {line, std::count(line.begin(), line.end(), '\n') == 1};
}

/// A file system of 64 kB that a test can fill.
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

/// A manifest in force with traffic, and all that a refused change must leave as it is.
class InForce {
  public:
    explicit InForce(const std::vector<std::string> &options = {})
        : echo_(world.server, 7000), glbd(world.node) {
        veth(world.node, "ext0", world.fabric, "ext");
        glbd.start(world.manifest(), options);
        if (!glbd.wait_healthy(1) || !works())
            throw std::runtime_error("traffic does not pass: " + glbd.log());
        before_ = look();
    }
    [[nodiscard]] bool works() const {
        return tcp_works(world.client, TwoArm::server_address, 7000) &&
               tcp_works(world.client, TwoArm::server_address6, 7000);
    }
    /// The manifest in force with `ext0` in the endpoint as well.
    [[nodiscard]] json wider() const {
        auto manifest = world.manifest();
        manifest["endpoints"][0]["interfaces"].push_back("ext0");
        return manifest;
    }
    [[nodiscard]] std::string look() const {
        std::string text = kernel_state(world.node, {"cli0", "srv0", "under0", "ext0"});
        for (const auto &pin : glbd.pins())
            text += pin + "\n";
        return text + glbd.must_ctl({"export"}).dump() + glbd.must_ctl({"status"}).at("epoch").dump();
    }
    void look_again() { before_ = look(); }
    /// Applies what is to be refused, and checks that all is as before. Returns what glbctl said.
    [[nodiscard]] std::string refused(const json &manifest) {
        const auto encapsulated = glbd.counter("encapsulated");
        const auto answer = glbd.apply(manifest);
        INFO(answer.text << glbd.log());
        CHECK(answer.code == 1);
        // The reason on stderr and the document on stdout, a line each.
        CHECK(std::count(answer.text.begin(), answer.text.end(), '\n') <= 2);
        CHECK(look() == before_);
        CHECK(glbd.must_ctl({"status"}).at("ready") == true);
        CHECK(glbd.must_ctl({"guard"}).at("installed") == true);
        CHECK(works());
        CHECK(glbd.counter("encapsulated") > encapsulated);
        CHECK(glbd.uninspected() == 0);
        return answer.text;
    }

    TwoArm world;

  private:
    TcpServer echo_;
    std::string before_;

  public:
    Daemon glbd;
};

bool says(const std::string &text, const std::string &what) {
    INFO(text << "\nshould say: " << what);
    const bool found = text.find(what) != std::string::npos;
    CHECK(found);
    return found;
}

} // namespace

TEST_CASE("refusals: a manifest with errors changes nothing, and every error is told with its place") {
    need_root();
    const TwoArm world;
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(1));
    const auto before = kernel_state(world.node, world.devices);
    const auto manifest = glbd.must_ctl({"export"});
    const auto epoch = glbd.must_ctl({"status"}).at("epoch");
    auto broken = world.manifest();
    broken["endpoints"][0]["targetGroup"] = "nobody";
    broken["targetGroups"][0]["targets"][0]["address"] = "10.1.0.999";
    broken["node"]["surprise"] = 1;
    const auto answer = glbd.apply(broken);
    CHECK(answer.code == 1);
    for (const std::string pointer :
         {"/endpoints/0/targetGroup", "/targetGroups/0/targets/0/address", "/node/surprise"}) {
        INFO(answer.text);
        CHECK(answer.text.find(pointer) != std::string::npos);
    }
    CHECK(glbd.must_ctl({"export"}) == manifest);
    CHECK(glbd.must_ctl({"status"}).at("epoch") == epoch);
    CHECK(kernel_state(world.node, world.devices) == before);
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000));
}

TEST_CASE("refusals: an interface that is not there") {
    need_root();
    const TwoArm world;
    const auto before = state_of(world);
    Daemon glbd(world.node);
    glbd.start();
    auto manifest = world.manifest();
    manifest["endpoints"][0]["interfaces"] = {"cli0", "srv9"};
    const auto answer = glbd.apply(manifest);
    INFO(answer.text << glbd.log());
    CHECK(answer.code == 1);
    CHECK(answer.text.find("srv9") != std::string::npos);
    CHECK(answer.text.find("/endpoints/0/interfaces/1") != std::string::npos);
    CHECK(state_of(world) == before);
    CHECK(glbd.must_ctl({"status"}).at("ready") == false);
    CHECK(glbd.apply(world.manifest()).code == 0);
}

TEST_CASE("refusals: an XDP hook that another program holds") {
    need_root();
    const TwoArm world;
    const auto before = state_of(world);
    Daemon glbd(world.node);
    glbd.start();
    std::optional<XdpPass> foreign(with_xdp_pass(world.node, "cli0"));
    const auto answer = glbd.apply(world.manifest());
    INFO(answer.text << glbd.log());
    CHECK(answer.code == 1);
    CHECK(answer.text.find("cli0") != std::string::npos);
    // The reason on stderr and the document on stdout, a line each.
    CHECK(std::count(answer.text.begin(), answer.text.end(), '\n') <= 2);
    CHECK(state_of(world) == before);
    foreign.reset();
    CHECK(glbd.apply(world.manifest()).code == 0);
}

TEST_CASE("refusals: a change that meets a busy hook, or no interface, leaves what was in force") {
    need_root();
    InForce it;
    auto missing = it.world.manifest();
    missing["endpoints"][0]["interfaces"].push_back("ext9");
    says(it.refused(missing), "there is no interface \\\"ext9\\\" here");
    {
        const auto foreign = with_xdp_pass(it.world.node, "ext0");
        it.look_again(); // somebody's program is no change of ours
        says(it.refused(it.wider()), "ext0");
    }
    CHECK(it.glbd.apply(it.wider()).code == 0);
}

TEST_CASE("refusals: a port in use for --metrics") {
    need_root();
    const TwoArm world;
    const TcpServer squatter(world.node, 9468);
    const auto failure = fails_to_start(world, {});
    CHECK(failure.one_line);
    says(failure.line, "127.0.0.1 port 9468");
    says(failure.line, "name another ADDR:PORT by --metrics");
}

TEST_CASE("refusals: no root") {
    need_root();
    const TwoArm world;
    // Where the build lies, another user may not look.
    const TempFolder folder;
    std::filesystem::copy_file(std::filesystem::path(GLB_BIN_FOLDER) / "glbd", folder.path() / "glbd");
    ::chmod(folder.path().c_str(), 0755);
    const auto failure =
        fails_to_start(world, {},
                       {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                        "sh", "-c", "shift; exec " + (folder.path() / "glbd").string() + " \"$@\"", "sh"});
    CHECK(failure.one_line);
    says(failure.line,
         "CAP_BPF is missing: run glbd as root, or give it CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
}

TEST_CASE("refusals: a kernel before 6.1") {
    need_root();
    const TwoArm world;
    const auto failure = fails_to_start(world, {}, {"setarch", "--uname-2.6"});
    CHECK(failure.one_line);
    says(failure.line, "kernel 2.6.");
    says(failure.line, "is not supported (minimum 6.1)");
}

TEST_CASE("refusals: no BPF file system") {
    need_root();
    const TwoArm world;
    const TempFolder folder;
    const auto elsewhere = (folder.path() / "pins").string();
    auto failure = fails_to_start(world, {"--bpffs", elsewhere});
    CHECK(failure.one_line);
    says(failure.line, elsewhere + " is not on a BPF file system");
    says(failure.line, "mount -t bpf bpf /sys/fs/bpf");
    CHECK(std::filesystem::is_empty(folder.path()));
    // The usual place, in a mount namespace that has none there.
    failure = fails_to_start(
        world, {"--bpffs", "/sys/fs/bpf/glb"},
        {"unshare", "--mount", "sh", "-c", "mount -t tmpfs none /sys/fs/bpf && exec \"$@\"", "sh"});
    CHECK(failure.one_line);
    says(failure.line, "/sys/fs/bpf/glb is not on a BPF file system");
}

TEST_CASE("refusals: a disk that is full when glbd starts with its first manifest") {
    need_root();
    const TwoArm world;
    const SmallDisk disk;
    disk.fill();
    const auto failure = fails_to_start(world, {"--state-dir", disk.path()});
    CHECK(failure.one_line);
    says(failure.line, "No space left on device");
    says(failure.line, disk.path());
    says(failure.line, "make room");
}

TEST_CASE(
    "refusals: a disk that is full when an apply is stored leaves what was in force, over a restart too") {
    need_root();
    const SmallDisk disk;
    InForce it({"--state-dir", disk.path()});
    disk.fill();
    auto heavier = it.world.manifest();
    heavier["targetGroups"][0]["targets"][0]["weight"] = 7;
    for (const auto &manifest : {heavier, it.wider()}) {
        const auto text = it.refused(manifest);
        says(text, "No space left on device");
        says(text, "make room");
    }
    it.glbd.kill9();
    it.glbd.start(nullptr, {"--state-dir", disk.path()});
    CHECK(it.glbd.must_ctl({"status"}).at("ready") == true);
    CHECK(it.glbd.must_ctl({"export"}).at("targetGroups")[0].at("targets")[0].value("weight", 1) == 1);
    CHECK(it.works());
    disk.make_room();
    CHECK(it.glbd.apply(heavier).code == 0);
}

TEST_CASE("refusals: a driver without native XDP is told at the member that mends it") {
    need_root();
    InForce it;
    it.world.node.must({"ip", "link", "add", "plain0", "type", "vxlan", "id", "5", "dstport", "4789"});
    it.world.node.must({"ip", "link", "set", "plain0", "up"});
    auto manifest = it.world.manifest();
    manifest["endpoints"][0]["interfaces"].push_back("plain0");
    const auto text = it.refused(manifest);
    says(text, "manifest.json: /node/xdpMode: interface plain0 does not accept a native XDP program: Operation not "
               "supported");
    says(text, "\"xdpMode\": \"generic\"");
    says(text, R"({"errors":[{"message":"interface plain0)");
    manifest["node"]["xdpMode"] = "generic";
    CHECK(it.glbd.apply(manifest).code == 0);
}

TEST_CASE("refusals: nobody answers") {
    need_root();
    const TwoArm world;
    const Daemon glbd(world.node);
    CHECK(glbd.ctl({"status"}).code == 3);
}
