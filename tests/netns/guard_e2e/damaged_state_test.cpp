// Boot and start with damaged state: whatever file is lost, nothing passes uninspected, and the node says what is wrong.
#include <fstream>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

enum class Damage { missing, empty, truncated, zeroed, unreadable };

void damage(const fs::path &file, Damage how) {
    const bool is_folder = fs::is_directory(file);
    const auto size = is_folder ? 0 : fs::file_size(file);
    if (how == Damage::truncated && !is_folder)
        return fs::resize_file(file, size / 2);
    fs::remove_all(file);
    if (how == Damage::unreadable && !is_folder)
        fs::create_directory(file); // root reads any file
    else if (how != Damage::missing)
        std::ofstream(file) << std::string(how == Damage::zeroed ? size : 0, '\0');
}

/// A machine on which a manifest was applied, again and again after a power failure: its state folder, and a kernel
/// that has nothing. A node that was applied once has no previous manifest.
class Machine {
  public:
    Machine() {
        Daemon glbd(testbed.node);
        glbd.start(testbed.manifest(), {"--state-dir", original.path() / "state"});
        glbd.must_ctl({"drain", "firewalls/" + testbed.appliances[0]->id(), "--force"});
        glbd.terminate();
        glbd.force_detach(testbed.devices);
    }
    /// A copy of the state folder. `daemon` is the one that ran before.
    fs::path power_failure(const Daemon &daemon) {
        testbed.node.must({"nft", "flush", "ruleset"});
        testbed.node.must(
            {"sh", "-c",
             "for v in -4 -6; do ip $v rule flush; ip $v rule add from all lookup main priority 32766; done; "
             "for d in cli0 srv0 under0; do tc qdisc del dev $d clsact 2>/dev/null; done; true"});
        daemon.force_detach(testbed.devices);
        const auto state = copies.path() / std::to_string(++count);
        fs::copy(original.path() / "state", state, fs::copy_options::recursive);
        return state;
    }
    [[nodiscard]] bool walls_stand() const {
        const auto listing = testbed.node.run({"nft", "list", "table", "inet", "glb"}).output;
        const auto rules = testbed.node.must({"ip", "rule"}) + testbed.node.must({"ip", "-6", "rule"});
        const auto count_of = [](const std::string &text, const std::string &part) {
            std::size_t found = 0;
            for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
                ++found;
            return found;
        };
        return listing.find("iifname \"cli0\"") != std::string::npos &&
               listing.find("iifname \"srv0\"") != std::string::npos &&
               count_of(rules, "blackhole proto 199") == 4;
    }
    /// Sends one packet in each direction.
    [[nodiscard]] bool passes_uninspected() {
        const auto passes = [](const Namespace &from, const std::string &to) {
            return from.run({"ping", "-n", "-c", "1", "-W", "0.1", to}).code == 0;
        };
        const auto passed =
            passes(testbed.client, TwoArm::server_address) + passes(testbed.server, TwoArm::client_address6);
        figures.sent += 2;
        figures.lost += static_cast<std::uint64_t>(passed);
        return passed > 0;
    }
    /// The figures of all packets until now.
    void record(const std::string &scenario) {
        record_scenario(scenario, std::exchange(figures, uninspected));
    }

    TwoArm testbed;
    TempFolder original, copies;
    unsigned count = 0;
    static inline const ScenarioFigures uninspected{.outcome = "passed uninspected"};
    ScenarioFigures figures = uninspected;
};

/// A launcher that mounts `folder` read-only for the daemon.
std::vector<std::string> with_read_only(const fs::path &folder) {
    return {"unshare", "-m", "sh", "-c", "mount --bind $0 $0 && mount -o remount,ro,bind $0 && exec \"$@\"",
            folder};
}

/// Runs `glbd --guard-only` to its end.
std::pair<int, std::string> run_boot_guard(Daemon &glbd, const fs::path &state,
                                           const std::vector<std::string> &launcher = {},
                                           std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--guard-only", "--state-dir", state});
    auto &process = glbd.launch(nullptr, options, launcher);
    const bool ended = process.wait(20s);
    return {ended ? process.code() : -1, glbd.log()};
}

/// Starts glbd on `state`, and returns its status.
json status_after_start(Daemon &glbd, const fs::path &state, const std::vector<std::string> &launcher = {},
                        std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--state-dir", state});
    glbd.use_launcher(launcher);
    glbd.start(nullptr, options);
    glbd.use_launcher({});
    return glbd.must_ctl({"status"});
}

} // namespace

TEST_CASE("damaged state: --guard-only installs the walls with any file missing, damaged or unreadable") {
    need_root();
    Machine machine;
    Daemon glbd(machine.testbed.node);
    for (const std::string name :
         {"manifest", "values", "hash-seed", "guard.json", "owner", "history", "history/1", "lock"}) {
        for (const auto how :
             {Damage::missing, Damage::empty, Damage::truncated, Damage::zeroed, Damage::unreadable}) {
            const auto state = machine.power_failure(glbd);
            damage(state / name, how);
            const auto [status, log] = run_boot_guard(glbd, state);
            INFO(name << ", damage " << static_cast<int>(how) << "\n" << log);
            CHECK(status == 0);
            CHECK(machine.walls_stand());
            CHECK_FALSE(machine.passes_uninspected());
        }
    }
    machine.record("guard at boot, any file of the state damaged");
}

TEST_CASE(
    "damaged state: glbd starts with any file unreadable, with its guard, and status names file and errno") {
    need_root();
    Machine machine;
    Daemon glbd(machine.testbed.node);
    for (const std::string name :
         {"manifest", "values", "hash-seed", "guard.json", "history", "history/1", "lock"}) {
        const auto state = machine.power_failure(glbd);
        damage(state / name, Damage::unreadable);
        const auto text = status_after_start(glbd, state).dump();
        INFO(name << "\n" << text << "\n" << glbd.log());
        CHECK(text.find((state / name).string()) != std::string::npos);
        CHECK(text.find(name == "history" ? "Not a directory" : "Is a directory") != std::string::npos);
        CHECK(machine.walls_stand());
        CHECK(glbd.must_ctl({"status"}).at("guard").at("installed") == true);
        CHECK(glbd.must_ctl({"status"}).at("interfaces")[0].at("attached") == true); // the data path too
        glbd.terminate();
    }
}

TEST_CASE("damaged state: a read-only state folder prevents neither guard nor data path") {
    need_root();
    Machine machine;
    Daemon glbd(machine.testbed.node);
    auto state = machine.power_failure(glbd);
    const auto [code, log] = run_boot_guard(glbd, state, with_read_only(state));
    INFO(log);
    CHECK(code == 0);
    CHECK(machine.walls_stand());
    CHECK_FALSE(machine.passes_uninspected());
    machine.record("guard at boot, state folder read-only");
    state = machine.power_failure(glbd);
    const auto status = status_after_start(glbd, state, with_read_only(state));
    INFO(status.dump(2) << glbd.log());
    CHECK(machine.walls_stand());
    CHECK(status.at("ready") == true);
    CHECK(status.dump().find((state / "lock").string() + ": Read-only file system") != std::string::npos);
    CHECK(glbd.ctl({"status", "--check"}).code == 1);
}

TEST_CASE("damaged state: without a bpffs, or with a read-only one, the walls by name stand alone") {
    need_root();
    Machine machine;
    Daemon glbd(machine.testbed.node);
    const TempFolder no_bpffs;
    struct Case {
        std::vector<std::string> launcher, options;
        std::string path;
    };
    for (const auto &[launcher, options, path] :
         {Case{{}, {"--bpffs", no_bpffs.path() / "glb"}, no_bpffs.path() / "glb"},
          Case{with_read_only(glbd.bpffs()), {}, glbd.bpffs()}}) {
        auto state = machine.power_failure(glbd);
        const auto [code, log] = run_boot_guard(glbd, state, launcher, options);
        INFO(log);
        CHECK(code == 0);
        CHECK(machine.walls_stand());
        CHECK_FALSE(machine.passes_uninspected());
        state = machine.power_failure(glbd);
        const auto status = status_after_start(glbd, state, launcher, options);
        INFO(status.dump(2) << glbd.log());
        CHECK(machine.walls_stand());
        CHECK_FALSE(machine.passes_uninspected());
        CHECK(status.at("ready") == false);
        CHECK(status.at("notReadyReason").get<std::string>().find(path) != std::string::npos);
        CHECK(status.at("guard").at("installed") == true);
        CHECK(status.at("degraded").dump().find("guard-program-missing") != std::string::npos);
        glbd.terminate();
    }
    machine.record("no bpffs, or a read-only one");
}

TEST_CASE("damaged state: a manifest whose file is gone is guarded, and rollback makes it active") {
    need_root();
    Machine machine;
    Daemon glbd(machine.testbed.node);
    const auto state = machine.power_failure(glbd);
    fs::remove(state / "manifest");
    const auto status = status_after_start(glbd, state);
    INFO(status.dump(2) << glbd.log());
    CHECK(machine.walls_stand());
    CHECK_FALSE(machine.passes_uninspected());
    machine.record("glbd started without its manifest");
    CHECK(status.at("ready") == false);
    CHECK(status.at("notReadyReason")
              .get<std::string>()
              .find((state / "manifest").string() + ": No such file or directory") != std::string::npos);
    CHECK(status.at("guard").at("installed") == true);
    glbd.must_ctl({"rollback"});
    CHECK(glbd.must_ctl({"status"}).at("ready") == true);
}
