// The control thread: commands of several threads, one at a time; reads and the guard do not wait for them.
#include <catch2/catch.hpp>

#include <algorithm>
#include <future>
#include <thread>

#include "tests/unit/control/running_daemon.h"

namespace glb::test {

namespace {

using namespace std::chrono_literals;

/// Sends a command. The result waits for its answer, and is true if it succeeded.
using Command = std::function<std::function<bool()>(RunningDaemon &)>;

template <typename T>
std::function<bool()> outcome(std::future<Result<T>> answer) {
    return [shared = std::make_shared<std::future<Result<T>>>(std::move(answer))] {
        return shared->get().has_value();
    };
}

} // namespace

TEST_CASE("commands of several threads are executed one at a time, and each is answered once") {
    FakeWorld world;
    RunningDaemon daemon(world);
    std::vector<std::thread> clients;
    std::atomic<int> answers = 0, applied = 0, snapshots = 0;
    for (int client = 0; client < 4; ++client)
        clients.emplace_back([&, client] {
            for (int i = 0; i < 5; ++i) {
                auto apply = daemon.apply(manifest_text({"eth1"}, {10 + client, 15}));
                auto bypass = daemon.bypass(i % 2 == 0);
                auto drain = daemon.drain("fw-15", i % 2 == 0);
                snapshots += daemon.control.snapshots().load()->manifest != nullptr;
                applied += apply.get().has_value();
                (void)bypass.get();
                (void)drain.get();
                answers += 3;
            }
        });
    for (auto &client : clients)
        client.join();
    CHECK(answers == 4 * 5 * 3);
    CHECK(applied == 4 * 5);
    CHECK(snapshots == 4 * 5);
    const auto snapshot = daemon.control.snapshots().load();
    REQUIRE(snapshot->manifest);
    CHECK(snapshot->not_ready_reason.empty());
    CHECK(snapshot->interfaces.at("eth1").attached);
    daemon.control.stop();
    world.check_invariants();
}

TEST_CASE("while the disk blocks a write, the guard is checked and the snapshot can be read") {
    const auto [operation, command] = GENERATE(table<std::string, Command>({
        {"state.set_value devices",
         [](RunningDaemon &it) {
             return outcome(it.apply(manifest_text({"eth1", "eth2"})));
         }},
        {"state.set_value offloads",
         [](RunningDaemon &it) { return outcome(it.apply(manifest_text({"eth2"}))); }},
        {"state.save_manifest",
         [](RunningDaemon &it) { return outcome(it.apply(manifest_text({"eth1"}, {11}))); }},
        {"state.add_history",
         [](RunningDaemon &it) { return outcome(it.apply(manifest_text({"eth1"}, {11}))); }},
        {"state.set_value drains", [](RunningDaemon &it) { return outcome(it.drain()); }},
        {"state.set_value bypasses", [](RunningDaemon &it) { return outcome(it.bypass()); }},
        {"state.remove_manifest", [](RunningDaemon &it) { return outcome(it.down()); }},
    }));
    INFO(operation);
    FakeWorld world;
    world.offloads["eth2"].insert(network::OffloadFeature::rx_vlan);
    RunningDaemon daemon(world);
    std::promise<void> blocked, released;
    std::atomic<bool> once = false;
    world.operation.hook = [&, wanted = operation](const std::string &name) {
        if (name != wanted || once.exchange(true))
            return;
        blocked.set_value();
        released.get_future().wait();
    };
    const auto succeeded = command(daemon);
    REQUIRE(blocked.get_future().wait_for(10s) == std::future_status::ready);
    const auto checks = daemon.guard.checks.load();
    daemon.control.on_health_event(
        health::TargetPathWanted{}); // as at the next tick, or after a change of the network
    for (int i = 0; i < 4000 && daemon.guard.checks == checks; ++i)
        std::this_thread::sleep_for(1ms);
    CHECK(daemon.guard.checks > checks);
    CHECK(daemon.control.snapshots().load()->manifest);
    released.set_value();
    CHECK(succeeded());
    daemon.control.stop();
}

TEST_CASE("down waits for the running step of a resize, and ends the resize there") {
    FakeWorld world;
    RunningDaemon daemon(world);
    std::promise<void> blocked, released;
    world.operation.hook = [&](const std::string &name) {
        if (name != "migration.copy")
            return;
        blocked.set_value();
        released.get_future().wait();
    };
    REQUIRE(daemon.apply(manifest_text({"eth1"}, {10}, 1u << 17)).get());
    blocked.get_future().wait();
    auto down = daemon.send<documents::Down>([&](auto done) { daemon.control.down({}, std::move(done)); });
    CHECK(down.wait_for(50ms) == std::future_status::timeout); // the copy uses the maps
    released.set_value();
    REQUIRE(down.get());
    daemon.control.stop();
    CHECK_FALSE(world.maps);
    const auto &names = world.operation.names;
    CHECK(std::ranges::find(names, "migration.swap") == names.end());
    CHECK(std::ranges::find(names, "migration.undo") == names.end());
}

TEST_CASE("a revert to no manifest that fails is tried again at the next tick") {
    FakeWorld world;
    {
        Daemon daemon(world);
        REQUIRE(daemon.start());
        REQUIRE(daemon.apply(manifest_text(), confirm_within(60s)));
    }
    world.now += 60s;
    std::promise<void> ended;
    world.operation.fail_named = "guard.remove"; // during the start
    world.operation.hook = [&, removals = 0](const std::string &name) mutable {
        if (name == "guard.remove" && ++removals == 2)
            world.operation.fail_named.reset();
        if (name == "state.set_value confirmation")
            ended.set_value();
    };
    RunningDaemon daemon(world);
    CHECK(world.guard);
    CHECK(world.manifest);
    auto confirmed = daemon.send<void>([&](auto done) { daemon.control.confirm({}, std::move(done)); });
    CHECK_FALSE(confirmed.get());
    CHECK(ended.get_future().wait_for(10s) == std::future_status::ready);
    daemon.control.stop();
    CHECK_FALSE(world.guard);
    CHECK_FALSE(world.maps);
    CHECK_FALSE(world.manifest);
    CHECK_FALSE(world.values.contains("confirmation"));
}

TEST_CASE("a command that arrives after the end is never answered, and the end does not wait for it") {
    FakeWorld world;
    RunningDaemon daemon(world);
    daemon.control.stop();
    auto apply = daemon.apply(manifest_text({"eth1"}, {11}));
    CHECK(apply.wait_for(0s) == std::future_status::timeout);
}

} // namespace glb::test
