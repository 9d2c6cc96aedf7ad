// The health thread, concurrent with readers of the snapshot and callers on another thread; meant for TSan.
#include "tests/unit/health/engine_fixture.h"

#include <atomic>
#include <thread>

#include "controller/health/health_thread.h"
#include "tests/unit/health/scripted_server.h"

using namespace glb;
using namespace glb::test;

namespace {

/// Consistent in itself: names are sorted, and each target's group has an action.
bool is_consistent(const health::HealthSnapshot &snapshot) {
    for (std::size_t i = 0; i < snapshot.targets.size(); ++i) {
        const auto &target = snapshot.targets[i];
        if (snapshot.find(target.name) != &target || target.name != target.group + "/" + target.target.id)
            return false;
        if (!snapshot.groups.contains(target.group) || !snapshot.persisted.health.contains(target.name))
            return false;
    }
    return true;
}

} // namespace

TEST_CASE("health thread: snapshots are read while commits and probe results change the state",
          "[concurrency]") {
    health::HealthThread thread;
    std::atomic<int> events = 0;
    const auto port = std::make_shared<FakeTargetStatePort>();
    auto engine =
        std::make_unique<health::HealthEngine>(thread.context(), [&](health::HealthEvent) { ++events; });
    auto server = std::make_unique<ScriptedServer>(
        thread.context(), [](tcp::socket &peer) -> Awaitable { co_await wait_until_closed(peer); });
    const auto config_of_generation = [&, probed = server->port()](std::uint64_t generation) {
        auto config =
            engine_config(generation, generation % 2 == 0 ? std::vector<std::string>{"a", "b", "c"}
                                                          : std::vector<std::string>{"a", "c", "d"});
        for (auto &target : config.groups[0].targets)
            target.address = *IpAddress::parse("127.0.0.1");
        config.groups[0].probe.protocol = health::ProbeKind::tcp;
        config.groups[0].probe.port = probed;
        config.groups[0].probe.interval = 5ms;
        config.groups[0].policy.passive = true;
        return config;
    };
    thread.run([&] { engine->attach(port); });
    thread.start();

    std::atomic<bool> done = false;
    std::atomic<std::uint64_t> inconsistent = 0, reads = 0, backwards = 0;
    const auto read = [&] {
        std::uint64_t last = 0;
        while (!done) {
            const auto snapshot = engine->snapshot();
            inconsistent += !is_consistent(*snapshot);
            backwards += snapshot->generation < last;
            last = snapshot->generation;
            ++reads;
            std::this_thread::yield();
        }
    };
    std::thread first(read), second(read);

    constexpr std::uint64_t generations = 60;
    for (std::uint64_t generation = 1; generation <= generations; ++generation) {
        const auto staged =
            thread.run([&] { return engine->stage(config_of_generation(generation)).has_value(); });
        CHECK(staged);
        if (generation % 5 == 0)
            thread.post([&, generation] { engine->abort(generation); });
        const bool committed = thread.run([&] {
            return engine->commit(generation, {0, 1, 2, 3}).has_value();
        });
        CHECK(committed == (generation % 5 != 0));
        thread.post([&] {
            (void)engine->drain("g/a", true);
            (void)engine->undrain("g/a");
            engine->on_neighbours({{"g/c", false}});
            engine->on_neighbours({{"g/c", true}});
        });
        (void)thread.exchange_max_lag();
        std::this_thread::sleep_for(5ms);
    }
    const auto limit = std::chrono::steady_clock::now() + 20s;
    const auto is_healthy = [&] {
        return engine->snapshot()->find("g/a")->state == health::TargetState::healthy;
    };
    while (!thread.run(is_healthy) && std::chrono::steady_clock::now() < limit)
        std::this_thread::sleep_for(5ms);
    CHECK(is_healthy());
    done = true;
    first.join();
    second.join();
    CHECK(inconsistent == 0);
    CHECK(backwards == 0);
    CHECK(reads > 0);
    CHECK(engine->snapshot()->generation == generations - 1);
    thread.stop();
    CHECK(thread.run([] { return 7; }) == 7); // on this thread
    server.reset();
    engine.reset();
}

TEST_CASE("health thread: tasks posted before the start run in order after it", "[concurrency]") {
    health::HealthThread thread;
    std::vector<int> order;
    std::atomic<bool> ran = false;
    thread.post([&] { order.push_back(1); });
    thread.post([&] {
        order.push_back(2);
        ran = true;
    });
    CHECK(order.empty());
    thread.start();
    const auto id = thread.run([] { return std::this_thread::get_id(); });
    CHECK(id != std::this_thread::get_id());
    CHECK(ran);
    thread.stop();
    CHECK(order == std::vector<int>{1, 2});
}
