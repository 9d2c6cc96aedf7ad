// The owner of a guard: another daemon of the network namespace changes nothing of it.
#include <catch2/catch.hpp>

#include <filesystem>
#include <optional>

#include "controller/guard/owner.h"
#include "tests/harness/free_descriptors.h"
#include "tests/harness/must.h"
#include "tests/harness/skip.h"
#include "tests/netns/guard_unprivileged/guarded_node.h"

using namespace glb;
using namespace glb::test;
namespace fs = std::filesystem;

namespace {

/// Folders of a daemon `name`, which exist.
guard::GuardPaths paths_of(const GuardedNode &node, const std::string &name) {
    const auto folder = node.folder.path() / name;
    fs::create_directories(folder / "state");
    return {folder / "bpffs" / "guard", folder / "state" / "guard.json", folder / "run"};
}

plan::GuardPlan plan_named(const GuardedNode &node, const std::string &name) {
    auto plan = node.plan();
    plan.node = name;
    return plan;
}

/// A guard of daemon "a", and another daemon, "b".
struct TwoDaemons {
    TwoDaemons() {
        first.emplace(node, a);
        REQUIRE(first->install(plan_named(node, "node-a")));
        second.emplace(node, b);
    }
    GuardedNode node;
    guard::GuardPaths a = paths_of(node, "a"), b = paths_of(node, "b");
    std::optional<NodeGuard> first, second;
};

} // namespace

TEST_CASE("guard owner: the record is in the table, whatever bytes a path has") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node, paths_of(node, "a"));
    REQUIRE(guard.install(plan_named(node, "node-a")));
    const auto chain = node.run("nft list chain inet glb owner");
    CHECK(contains(chain, "return comment \"node node-a\""));
    CHECK(contains(chain, "return comment \"state-dir " + (node.folder.path() / "a/state").string()));
    CHECK(contains(chain, "return comment \"run-dir " + (node.folder.path() / "a/run").string()));

    guard::Owner owner{"n", "/a \"b\"\\%\n\xc3\xa4 " + std::string(300, 'x'), "/sys/fs/bpf/x", "/run/x",
                       "00ff"};
    node.ns.call([&] {
        auto nftables = must(guard::Nftables::open());
        must(nftables.run(guard::owner_ruleset(owner)));
        CHECK(guard::parse_owner(must(nftables.list_json("chain inet glb owner"))) == owner);
        owner.node.clear();
        must(nftables.run(guard::owner_ruleset(owner))); // replaces it
        CHECK(guard::parse_owner(must(nftables.list_json("chain inet glb owner"))) == owner);
        must(nftables.run("flush chain inet glb owner"));
        CHECK_FALSE(guard::parse_owner(must(nftables.list_json("chain inet glb owner"))));
        CHECK_FALSE(guard::parse_owner(must(nftables.list_json("chain inet glb none"))));
    });
}

TEST_CASE("guard owner: another daemon changes and removes nothing, whether or not the owner runs") {
    need_root();
    TwoDaemons daemons;
    auto &node = daemons.node;
    const bool runs = GENERATE(true, false);
    const bool is_flushed = GENERATE(false, true);
    if (!runs)
        daemons.first.reset();
    if (is_flushed)
        node.run("nft flush ruleset"); // rules and filters remain, without a record
    const auto state = node.state();
    auto &second = *daemons.second;
    for (const auto &refused : {second.install(plan_named(node, "node-b")), second.check_owner(),
                                second.restore({"eth0"}).map([](bool) {})}) {
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == EBUSY);
        const auto &message = refused.error().message;
        INFO(message);
        if (is_flushed) {
            CHECK(contains(message, "a guard without an owner"));
            continue;
        }
        CHECK(contains(message, "belongs to node \"node-a\" (state directory " +
                                    (node.folder.path() / "a/state").string() + ", bpffs " +
                                    (node.folder.path() / "a/bpffs").string() + ")"));
        CHECK(contains(message, runs ? "glbctl --socket " + (node.folder.path() / "a/run").string() +
                                           "/glbd.sock down --yes"
                                     : "its glbd does not run: start it with --state-dir " +
                                           (node.folder.path() / "a/state").string()));
    }
    CHECK(second.remove());
    if (!is_flushed)
        CHECK(must(second.collect(false)) == std::nullopt);
    CHECK(node.state() == state);
    CHECK_FALSE(fs::exists(daemons.b.state));

    NodeGuard again(node, daemons.a);
    REQUIRE(again.install(plan_named(node, "node-a")));
    REQUIRE(again.remove());
    CHECK(second.install(plan_named(node, "node-b"))); // the advice works
}

TEST_CASE(
    "guard owner: of a daemon whose state directory is gone, gc removes the guard unless the daemon runs") {
    need_root();
    TwoDaemons daemons;
    auto &node = daemons.node;
    auto &second = *daemons.second;
    fs::remove_all(node.folder.path() / "a");
    const auto state = node.state();
    CHECK(must(second.collect(false)) ==
          std::nullopt); // in another mount namespace, as far as this daemon knows
    CHECK(contains(second.install(plan_named(node, "node-b")).error().message, "down --yes"));
    daemons.first.reset();
    const auto refused = second.install(plan_named(node, "node-b"));
    REQUIRE_FALSE(refused);
    CHECK(contains(refused.error().message,
                   "its state directory does not exist any more; remove it with glbctl gc"));
    const auto owner = "node \"node-a\" (state directory " + (node.folder.path() / "a/state").string() +
                       ", bpffs " + (node.folder.path() / "a/bpffs").string() + ")";
    CHECK(must(second.collect(true)) == owner);
    CHECK(node.state() == state);
    CHECK(must(second.collect(false)) == owner);
    CHECK(node.run("nft list ruleset").empty());
    CHECK(node.rules().empty());
    CHECK_FALSE(node.filter("eth0"));
    CHECK(must(second.collect(false)) == std::nullopt);
    CHECK(second.install(plan_named(node, "node-b")));
}

TEST_CASE("guard owner: a state directory that was moved, lost or mounted elsewhere keeps its guard") {
    need_root();
    GuardedNode node;
    const auto before = node.state();
    const auto a = paths_of(node, "a");
    REQUIRE(NodeGuard(node, a).install(plan_named(node, "node-a")));
    auto now = a;
    SECTION("moved") {
        fs::rename(node.folder.path() / "a", node.folder.path() / "moved");
        now = paths_of(node, "moved");
    }
    SECTION("lost") {
        fs::remove_all(a.state.parent_path());
        now = paths_of(node, "a");
    }
    SECTION("another name") {
        fs::create_directory_symlink(node.folder.path() / "a", node.folder.path() / "link");
        now = paths_of(node, "link");
    }
    NodeGuard guard(node, now);
    REQUIRE(guard.install(plan_named(node, "node-b")));
    CHECK(guard.repaired().empty());
    CHECK(contains(node.table(), "node node-b"));
    REQUIRE(guard.remove());
    CHECK(node.run("nft list ruleset").empty());
    CHECK(node.rules().empty());
}

TEST_CASE("guard owner: a copy of a state directory is another daemon's") {
    need_root();
    TwoDaemons daemons;
    auto &node = daemons.node;
    fs::copy(node.folder.path() / "a", node.folder.path() / "copy", fs::copy_options::recursive);
    const auto copy = paths_of(node, "copy");
    const auto state = node.state();
    CHECK_FALSE(NodeGuard(node, copy).install(plan_named(node, "node-a")));
    daemons.first.reset();
    NodeGuard other(node, copy);
    CHECK_FALSE(other.install(plan_named(node, "node-a")));
    CHECK(other.remove());
    CHECK(node.state() == state);
    fs::remove_all(node.folder.path() / "a"); // the copy is what remains
    CHECK(other.install(plan_named(node, "node-a")));
}

TEST_CASE("guard owner: a running daemon that has another directory at the same path keeps its guard") {
    need_root();
    TwoDaemons daemons;
    auto &node = daemons.node;
    fs::remove_all(node.folder.path() / "a"); // as in another mount namespace
    NodeGuard other(node, paths_of(node, "a"));
    const auto refused = other.install(plan_named(node, "node-b"));
    REQUIRE_FALSE(refused);
    CHECK(contains(refused.error().message, "node \"node-a\""));
}

TEST_CASE("guard owner: a daemon that takes over the bpffs of one that has ended takes over its guard") {
    need_root();
    TwoDaemons daemons;
    auto &node = daemons.node;
    auto paths = daemons.b;
    paths.pins = daemons.a.pins;
    NodeGuard other(node, paths);
    CHECK_FALSE(other.install(plan_named(node, "node-b"))); // it has no pins
    fs::create_directories(paths.pins);
    fs::create_directory(paths.pins / "glb_guard_ports");   // in place of the pin
    CHECK_FALSE(other.install(plan_named(node, "node-b"))); // its daemon runs
    daemons.first.reset();
    CHECK(must(other.restore({})));
    CHECK(contains(node.table(), "node node-a"));
    REQUIRE(other.install(plan_named(node, "node-b")));
    CHECK(contains(node.table(), "node node-b"));
}

TEST_CASE("guard owner: a guard without a record belongs to the daemon whose state has one") {
    need_root();
    TwoDaemons daemons;
    auto &node = daemons.node;
    daemons.first.reset();
    node.run("nft flush chain inet glb owner; nft delete chain inet glb owner");
    const auto state = node.state();
    auto &second = *daemons.second;
    const auto refused = second.install(plan_named(node, "node-b"));
    REQUIRE_FALSE(refused);
    CHECK(contains(refused.error().message, "glbctl gc"));
    CHECK(second.remove());
    CHECK(node.state() == state);
    SECTION("which adopts it") {
        NodeGuard first(node, daemons.a);
        REQUIRE(first.install(plan_named(node, "node-a")));
        CHECK(contains(node.table(), "node node-a"));
        CHECK_FALSE(second.install(plan_named(node, "node-b")));
    }
    SECTION("or to nobody: gc removes it") {
        CHECK(must(second.collect(false)) == "an unknown owner");
        CHECK(node.run("nft list ruleset").empty());
        CHECK(second.install(plan_named(node, "node-b")));
    }
}

TEST_CASE("guard owner: a daemon does not restore its table over another's") {
    need_root();
    TwoDaemons daemons;
    auto &node = daemons.node;
    const guard::Owner other{"node-c", node.folder.path().string(), "/b", "/r", std::string(32, 'a')};
    node.ns.call([&] { must(must(guard::Nftables::open()).run(guard::owner_ruleset(other))); });
    const auto report = daemons.first->check();
    CHECK(std::ranges::any_of(report.conditions, [](const Condition &condition) {
        return condition.severity == Severity::error && contains(condition.message, "node \"node-c\"");
    }));
    CHECK(contains(node.table(), "node node-c"));
    REQUIRE(daemons.first->remove());
    CHECK(contains(node.table(), "node node-c"));
}

TEST_CASE("guard restore: without a plan the devices of the last one are blocked, and what stands is kept") {
    need_root();
    GuardedNode node;
    {
        NodeGuard guard(node);
        CHECK_FALSE(must(guard.restore({})));
        CHECK(node.run("nft list ruleset").empty());
        REQUIRE(guard.install(node.plan({"eth0", "late"}, 77)));
    }
    const auto installed = node.state();
    CHECK(must(NodeGuard(node).restore({"eth1"}))); // it is found, and kept as it is
    CHECK(node.state() == installed);

    node.run("nft flush ruleset; ip rule flush; ip rule add priority 32766 lookup main; ip -6 rule flush; "
             "tc qdisc del dev eth0 clsact");
    NodeGuard guard(node);
    REQUIRE(must(guard.restore({"eth1"})));
    CHECK(contains(node.table(), "iifname \"eth0\""));
    CHECK(contains(node.table(), "iifname \"late\""));
    CHECK_FALSE(contains(node.table(), "iifname \"eth1\""));
    CHECK(node.rules("-4").size() == 2);
    CHECK(node.filter("eth0"));
    node.run("nft flush ruleset");
    CHECK(guard.repaired() == Lines{"nftables table inet glb"});
    REQUIRE(guard.remove());
}

TEST_CASE("guard restore: a table without rules blocks nothing") {
    need_root();
    GuardedNode node;
    REQUIRE(NodeGuard(node).install(node.plan({"eth0"})));
    node.run("nft flush table inet glb");
    REQUIRE(must(NodeGuard(node).restore({"eth0"})));
    CHECK(contains(node.table(), "iifname \"eth0\""));
}

TEST_CASE("guard: a table that could not be written does not pass for one that stands") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE_FALSE(guard.install(node.plan({"eth0", ""}))); // nft refuses the empty name
    REQUIRE(node.run("nft list tables").empty());
    const auto report = guard.check();
    CHECK_FALSE(report.whole);
    CHECK(std::ranges::any_of(report.conditions, [](const Condition &condition) {
        return condition.what == "guard-broken" && condition.severity == Severity::error;
    }));
    REQUIRE(must(guard.restore({"eth0"})));
    CHECK(contains(node.table(), "iifname \"eth0\""));
}

TEST_CASE("guard restore: a data path that runs punts nothing in favour of the devices' guard") {
    need_root();
    GuardedNode node;
    {
        NodeGuard guard(node);
        REQUIRE(guard.install(node.plan()));
        REQUIRE(guard.set_magic(7));
    }
    node.run("nft flush ruleset");
    const bool is_late = GENERATE(false, true);
    if (is_late)
        node.programs.fail(1, "load");
    NodeGuard guard(node);
    REQUIRE(must(guard.restore({"eth0", "eth1"})));
    if (is_late)
        (void)guard.check(); // loads the program
    CHECK(node.programs.pinned.at(node.paths.pins)->magic == 0);
}

TEST_CASE("guard owner: one that could not be told to run at first is, once it can") {
    need_root();
    GuardedNode node;
    const auto paths = paths_of(node, "a");
    NodeGuard guard(node, paths);
    guard::OwnerCheck check(paths.state.parent_path(), "/b", "/r");
    node.ns.call([&] {
        {
            const FreeDescriptors none(0);
            (void)check.self();
        }
        const auto id = check.self().id;
        CHECK(id.size() == 32);
        guard::OwnerCheck other(paths_of(node, "c").state.parent_path(), "/b", "/r");
        auto nftables = must(guard::Nftables::open());
        auto netlink = must(Netlink::open());
        must(nftables.run("add table inet glb\n" + guard::owner_ruleset(check.self())));
        CHECK(must(other.find(nftables, netlink, {})).is_running);
        CHECK(must(other.find(nftables, netlink, {})).is_running); // the question does not end it
    });
}

TEST_CASE("guard restore: without a last plan the devices that are known otherwise are blocked") {
    need_root();
    GuardedNode node;
    REQUIRE(must(NodeGuard(node).restore({"eth1"})));
    CHECK(contains(node.table(), "iifname \"eth1\""));
    CHECK(node.rules().size() == 1);
}
