// The control thread: commands of several threads, one at a time; reads and the guard do not wait for them.
#include <catch2/catch.hpp>

#include <future>
#include <thread>

#include "controller/control/control_loop.h"
#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

using namespace std::chrono_literals;

struct RunningDaemon {
    FakeClock clock;
    FakeNetwork network;
    FakeGuard guard;
    FakeDatapath datapath;
    FakeHealth health;
    FakeState state;
    ControlLoop control;

    explicit RunningDaemon(FakeWorld &world)
        : clock(world), network(world), guard(world), datapath(world), health(world), state(world),
          control({clock, network, guard, datapath, health, state}) {
        REQUIRE(control.start(ManifestFile{"manifest.json", manifest_text()}));
        control.run();
    }

    template <typename T, typename Command>
    std::future<Result<T>> send(Command command) {
        auto promise = std::make_shared<std::promise<Result<T>>>();
        auto future = promise->get_future();
        command([promise](Result<T> result) { promise->set_value(std::move(result)); });
        return future;
    }
    std::future<Result<ApplyResult>> apply(const std::string &text) {
        return send<ApplyResult>([&](auto done) { control.apply(text, {}, std::move(done)); });
    }
};

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
                auto bypass = daemon.send<documents::Bypass>([&](auto done) {
                    daemon.control.bypass({"web", i % 2 == 0, {}, {}}, std::move(done));
                });
                auto drain = daemon.send<documents::Drain>([&](auto done) {
                    daemon.control.drain({"fw", "fw-15", i % 2 == 0, true, {}}, std::move(done));
                });
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

TEST_CASE("while the disk blocks a change, the guard is repaired and the snapshot can be read") {
    FakeWorld world;
    RunningDaemon daemon(world);
    std::promise<void> blocked, released;
    std::atomic<bool> once = false;
    world.operation.hook = [&](const std::string &name) {
        if (name != "state.save_manifest" || once.exchange(true))
            return;
        blocked.set_value();
        released.get_future().wait();
    };
    auto apply = daemon.apply(manifest_text({"eth1"}, {11}));
    blocked.get_future().wait();
    const auto checks = daemon.guard.checks.load();
    for (int i = 0; i < 40 && daemon.guard.checks == checks; ++i)
        std::this_thread::sleep_for(100ms);
    CHECK(daemon.guard.checks > checks);
    CHECK(daemon.control.snapshots().load()->manifest->target_groups[0].targets.size() == 2);
    released.set_value();
    REQUIRE(apply.get());
    CHECK(daemon.control.snapshots().load()->manifest->target_groups[0].targets.size() == 1);
    daemon.control.stop();
}

TEST_CASE("a command that arrives after the end is never answered, and the end does not wait for it") {
    FakeWorld world;
    RunningDaemon daemon(world);
    daemon.control.stop();
    auto apply = daemon.apply(manifest_text({"eth1"}, {11}));
    CHECK(apply.wait_for(0s) == std::future_status::timeout);
}

} // namespace glb::test
