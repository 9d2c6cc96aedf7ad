// A health engine on an event loop that tests run step by step, with maps in memory that fail on request.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <sys/eventfd.h>
#include <unistd.h>

#include "controller/health/health_engine.h"
#include "controller/util/fd.h"
#include "tests/unit/health/registry_fixture.h"

namespace glb::test {

/// A write that fails leaves its row unchanged.
class FakeTargetStatePort final : public health::TargetStatePort {
  public:
    using Fallback = std::array<std::uint16_t, GLB_FALLBACK_SLOTS>;
    struct Maps {
        std::map<std::uint16_t, std::uint64_t> targets;
        std::map<std::uint16_t, glb_no_target_action> actions;
        std::map<std::uint16_t, Fallback> fallbacks;
        bool operator==(const Maps &) const = default;
    };

    Maps maps;
    std::vector<std::string> writes; ///< attempts, in order
    int fail_after = -1;             ///< number of writes that succeed before failures start; -1: no failures
    int failures = 1;                ///< number of writes that fail then
    std::map<std::uint16_t, glb_target_count> counts;
    int count_reads = 0;

    void clear_writes() { writes.clear(); }
    void fail_nth_write(int n, int times = 1) { fail_after = n, failures = times; }
    void succeed() { fail_after = -1; }
    void inject(const glb_event &event) {
        events_.push_back(event);
        REQUIRE(::eventfd_write(fd_.get(), 1) == 0);
    }

    Status set_target_state(std::uint16_t target, std::uint64_t state) override {
        GLB_TRY(write("target " + std::to_string(target)));
        maps.targets[target] = state;
        return {};
    }
    Status set_group_action(std::uint16_t group, glb_no_target_action action) override {
        GLB_TRY(write("action " + std::to_string(group)));
        maps.actions[group] = action;
        return {};
    }
    Status set_fallback(std::uint16_t group, std::span<const std::uint16_t> targets) override {
        GLB_TRY(write("fallback " + std::to_string(group)));
        if (targets.size() != GLB_FALLBACK_SLOTS)
            return fail("fallback list of {} targets", targets.size());
        std::copy(targets.begin(), targets.end(), maps.fallbacks[group].begin());
        return {};
    }
    std::optional<glb_target_count> target_count(std::uint16_t target) override {
        ++count_reads;
        return counts[target];
    }
    int event_fd() const override { return fd_.get(); }
    Status poll_events(const std::function<void(const glb_event &)> &on_event) override {
        eventfd_t ignored;
        (void)::eventfd_read(fd_.get(), &ignored);
        for (const auto &event : std::exchange(events_, {}))
            on_event(event);
        return {};
    }

  private:
    Status write(std::string name) {
        writes.push_back(std::move(name));
        if (fail_after < 0)
            return {};
        if (fail_after > 0) {
            --fail_after;
            return {};
        }
        if (failures > 0 && --failures == 0)
            fail_after = -1;
        return fail("injected failure of {}", writes.back());
    }

    Fd fd_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    std::vector<glb_event> events_;
};

/// Checks are enabled, but no probes are sent: targets have the state that a test restores and reports.
inline health::HealthGroup unprobed_group(const std::string &name, const std::vector<std::string> &targets,
                                          std::uint16_t index) {
    auto group = group_of(name, targets, config::FailurePolicy::rehash, index);
    group.probe.protocol = health::ProbeKind::none;
    return group;
}

/// The group "g".
inline health::HealthConfig engine_config(std::uint64_t generation, const std::vector<std::string> &targets) {
    health::HealthConfig config;
    config.generation = generation;
    config.groups.push_back(unprobed_group("g", targets, 0));
    config.probe_source = *IpAddress::parse("127.0.0.1");
    return config;
}

struct EngineFixture {
    boost::asio::io_context loop;
    std::vector<health::HealthEvent> events;
    std::shared_ptr<FakeTargetStatePort> port = std::make_shared<FakeTargetStatePort>();
    health::HealthEngine engine{loop,
                                [this](health::HealthEvent event) { events.push_back(std::move(event)); }};

    EngineFixture() { engine.attach(port); }

    /// All targets named so far are healthy when they appear.
    void restore_healthy(const std::vector<std::string> &names) {
        health::PersistedTargets persisted;
        for (const auto &name : names)
            persisted.health[name] = {health::TargetState::healthy, health::HealthReason::none, 0, false};
        engine.restore(persisted);
    }
    void apply(const health::HealthConfig &config, const std::set<std::uint16_t> &resolved = {}) {
        REQUIRE(engine.stage(config));
        REQUIRE(engine.commit(config.generation, resolved));
    }
    /// With healthy targets a, b, c of the group g.
    void apply_healthy() {
        restore_healthy({"g/a", "g/b", "g/c"});
        apply(engine_config(1, {"a", "b", "c"}));
    }
    /// `done` may have side effects: it is not evaluated again once it is true.
    template <typename Condition>
    bool run_until(Condition done, std::chrono::seconds limit = 20s) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (!done()) {
            if (std::chrono::steady_clock::now() >= end)
                return false;
            loop.run_one_for(5ms);
        }
        return true;
    }
    template <typename Event>
    std::vector<Event> events_of() const {
        std::vector<Event> found;
        for (const auto &event : events)
            if (const auto *match = std::get_if<Event>(&event))
                found.push_back(*match);
        return found;
    }
    const health::TargetSnapshot &target(const std::string &name) {
        last_snapshot_ = engine.snapshot();
        const auto *found = last_snapshot_->find(name);
        REQUIRE(found);
        return *found;
    }
    health::TargetState state(const std::string &name) { return target(name).state; }

    /// The rows that the live registry requires, by attaching other maps. `name`: any target of the
    /// configuration that does not drain.
    FakeTargetStatePort::Maps required_maps(const std::string &name) {
        const auto other = std::make_shared<FakeTargetStatePort>();
        engine.attach(other);
        REQUIRE(engine.undrain(name));
        engine.attach(port);
        return other->maps;
    }
    /// Rows of the port that differ from those that the live registry requires. Rows that it does not require
    /// are not in use.
    std::vector<std::string> wrong_rows(const std::string &name) {
        const auto required = required_maps(name);
        std::vector<std::string> wrong;
        const auto compare = [&](const auto &rows, auto &actual, const char *what) {
            for (const auto &[index, value] : rows)
                if (!actual.contains(index) || actual.at(index) != value)
                    wrong.push_back(what + std::to_string(index));
        };
        compare(required.targets, port->maps.targets, "target ");
        compare(required.actions, port->maps.actions, "action ");
        compare(required.fallbacks, port->maps.fallbacks, "fallback ");
        return wrong;
    }

  private:
    std::shared_ptr<const health::HealthSnapshot> last_snapshot_;
};

} // namespace glb::test
