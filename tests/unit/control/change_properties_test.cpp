// Random sequences of applies, faults, kills, verdicts and network changes.
#include <catch2/catch.hpp>

#include <rapidcheck.h>

#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

std::string random_manifest() {
    const auto interfaces =
        *rc::gen::element(std::vector<std::string>{"eth1"}, std::vector<std::string>{"eth2"},
                          std::vector<std::string>{"eth1", "eth2"});
    const int chosen = *rc::gen::inRange(1, 1 << 6);
    std::vector<int> targets;
    for (int i = 0; i < 6; ++i)
        if (chosen & 1 << i)
            targets.push_back(10 + i);
    return manifest_text(interfaces, targets);
}

void change_something(FakeWorld &world, Daemon &daemon) {
    switch (*rc::gen::inRange(0, 4)) {
    case 0:
        return daemon.health.verdict("fw/fw-" + std::to_string(*rc::gen::inRange(10, 16)),
                                     *rc::gen::arbitrary<bool>());
    case 1: {
        auto &neighbour = world.network.neighbours[static_cast<std::size_t>(*rc::gen::inRange(0, 6))];
        neighbour.mac.bytes[4] ^= 0x40;
        return daemon.refresh();
    }
    case 2:
        world.now += std::chrono::seconds(*rc::gen::inRange(1, 400));
        return daemon.refresh(true);
    default:
        return daemon.refresh();
    }
}

} // namespace

TEST_CASE("whatever happens, the active manifest is the last one that was accepted, or that was stored") {
    rc::check([] {
        FakeWorld world;
        auto daemon = std::make_unique<Daemon>(world);
        RC_ASSERT(daemon->start().has_value());
        std::optional<std::string> accepted;
        for (int i = *rc::gen::inRange(1, 8); i > 0; --i) {
            const auto next = random_manifest();
            world.operation.restart();
            const int kind = *rc::gen::inRange(0, 4);
            if (kind == 1)
                world.operation.fail_at = static_cast<std::size_t>(*rc::gen::inRange(1, 60));
            if (kind == 2)
                world.operation.kill_at = static_cast<std::size_t>(*rc::gen::inRange(1, 60));
            try {
                if (const auto result = daemon->apply(next); result && result->errors.empty())
                    accepted = next;
                world.operation.restart();
            } catch (const Killed &) {
                world.check_invariants();
                world.operation.restart();
                daemon = std::make_unique<Daemon>(world);
                RC_ASSERT(daemon->start().has_value());
                accepted = world.manifest;
            }
            world.check_invariants();
            change_something(world, *daemon);
            world.check_invariants();
            RC_ASSERT(world.manifest == accepted);
        }
        if (!accepted)
            return;
        daemon->refresh();
        RC_ASSERT(daemon->not_ready().empty());
        FakeWorld clean;
        Daemon other(clean);
        RC_ASSERT(other.start(*accepted).has_value());
        RC_ASSERT(visible(world).attached == visible(clean).attached);
        RC_ASSERT(visible(world).targets.size() >= visible(clean).targets.size()); // removed ones may drain
    });
}

} // namespace glb::test
