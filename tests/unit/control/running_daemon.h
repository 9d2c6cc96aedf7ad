// A daemon's control over a FakeWorld, on threads of its own.
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "controller/control/control_loop.h"
#include "tests/unit/control/node_fixture.h"

namespace glb::test {

struct RunningDaemon {
    FakeClock clock;
    FakeNetwork network;
    FakeGuard guard;
    FakeDatapath datapath;
    FakeHealth health;
    FakeState state;
    control::ControlLoop control;

    explicit RunningDaemon(FakeWorld &world, const std::optional<std::string> &manifest = manifest_text())
        : clock(world), network(world), guard(world), datapath(world), health(world), state(world),
          control({clock, network, guard, datapath, health, state}) {
        std::optional<control::ManifestFile> file;
        if (manifest)
            file = control::ManifestFile{"manifest.json", *manifest};
        REQUIRE(control.start(file));
        control.run();
    }

    template <typename T, typename Command>
    std::future<Result<T>> send(Command command) {
        auto promise = std::make_shared<std::promise<Result<T>>>();
        auto future = promise->get_future();
        command([promise](Result<T> result) { promise->set_value(std::move(result)); });
        return future;
    }
    /// Delivers the event and waits for what control does about it at once: a first command follows the event
    /// itself, a second one the coroutine that the event has begun.
    void deliver(health::HealthEvent event) {
        control.on_health_event(std::move(event));
        for (int i = 0; i < 2; ++i)
            CHECK_FALSE(send<void>([&](auto done) { control.confirm({}, std::move(done)); }).get());
    }
    std::future<Result<control::ApplyResult>> apply(const std::string &text) {
        return send<control::ApplyResult>([&](auto done) { control.apply(text, {}, std::move(done)); });
    }
    std::future<Result<documents::Drain>> drain(const std::string &target = "fw-10", bool on = true) {
        return send<documents::Drain>([&](auto done) {
            control.drain({"fw", target, on, true, {}}, std::move(done));
        });
    }
    std::future<Result<documents::Bypass>> bypass(bool off = false) {
        return send<documents::Bypass>([&](auto done) {
            control.bypass({"web", off, {}, {}}, std::move(done));
        });
    }
    std::future<Result<documents::Down>> down() {
        return send<documents::Down>([&](auto done) { control.down({}, std::move(done)); });
    }
};

} // namespace glb::test
