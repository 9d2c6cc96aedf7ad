// A daemon's control over a FakeWorld, run on the calling thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "controller/control/control_roles.h"
#include "tests/unit/control/fake_ports.h"

namespace glb::test {

/// Endpoint "web" on `interfaces`, group "fw" with targets fw-10, fw-11, … at 192.0.2.10, .11, ….
inline std::string manifest_text(const std::vector<std::string> &interfaces = {"eth1"},
                                 const std::vector<int> &targets = {10, 11},
                                 std::uint32_t capacity = 1u << 16) {
    nlohmann::json manifest{
        {"version", 1},
        {"node",
         {{"tunnel", {{"interface", "eth0"}, {"address", "192.0.2.1"}}},
          {"flowTable", {{"capacity", capacity}}}}},
        {"endpoints", {{{"name", "web"}, {"id", "0x1"}, {"interfaces", interfaces}, {"targetGroup", "fw"}}}},
        {"targetGroups", {{{"name", "fw"}, {"targets", nlohmann::json::array()}}}}};
    for (const int target : targets)
        manifest["targetGroups"][0]["targets"].push_back(
            {{"id", "fw-" + std::to_string(target)}, {"address", "192.0.2." + std::to_string(target)}});
    return manifest.dump();
}

inline control::ApplyOptions confirm_within(std::chrono::seconds time) {
    control::ApplyOptions options;
    options.confirm_within = time;
    return options;
}

/// A daemon: destroyed, or killed, and made again on the same world.
class Daemon {
  public:
    explicit Daemon(FakeWorld &world) : world_(world) {}

    Status start(const std::optional<std::string> &file = std::nullopt) {
        health.restore({});
        std::optional<control::ManifestFile> first;
        if (file)
            first = control::ManifestFile{"manifest.json", *file};
        return run([&] { return roles.changes.start(first); });
    }
    Result<control::ApplyResult> apply(const std::string &text, control::ApplyOptions options = {}) {
        return run([&] { return roles.changes.apply(text, options); });
    }
    Result<control::ApplyResult> rollback(unsigned back) {
        return run([&] { return roles.changes.rollback(back, {}); });
    }
    Result<documents::Down> down(bool keep_guard = false) {
        return run([&] { return roles.changes.down({keep_guard, {}}); });
    }
    void expire_confirmation() {
        run([&]() -> control::Task<bool> {
            co_await roles.changes.expire_confirmation();
            co_return true;
        });
    }
    /// A change of the network, or a tick.
    void refresh(bool is_periodic = false) {
        run([&]() -> control::Task<bool> {
            co_await roles.changes.refresh(is_periodic);
            co_return true;
        });
    }

    /// Runs a command and everything that follows from it.
    template <typename Command>
    typename std::invoke_result_t<Command &>::value_type run(Command command) {
        using Value = typename std::invoke_result_t<Command &>::value_type;
        std::optional<Value> result;
        std::exception_ptr thrown;
        boost::asio::co_spawn(
            context_,
            [&]() -> control::Task<void> {
                const auto turn = co_await roles.turn.take();
                result = co_await command();
            },
            [&](std::exception_ptr exception) { thrown = std::move(exception); });
        context_.restart();
        context_.run();
        if (thrown)
            std::rethrow_exception(thrown);
        return std::move(*result);
    }

    /// Begins a command while another coroutine of control awaits: from a hook.
    template <typename Command>
    void begin(Command command) {
        boost::asio::co_spawn(
            context_,
            [this, command]() mutable -> control::Task<void> {
                const auto turn = co_await roles.turn.take();
                (void)co_await command();
            },
            control::rethrow);
    }
    /// What a tick does about the flow table.
    void check_capacity() {
        run([&]() -> control::Task<bool> {
            roles.resizer.check();
            co_return true;
        });
    }

    [[nodiscard]] std::string not_ready() {
        return control::not_ready_reason(state, datapath.is_loaded(), roles.reconciler.attached_interfaces());
    }

  private:
    FakeWorld &world_;
    boost::asio::io_context context_{1};

  public:
    FakeClock clock{world_};
    FakeNetwork network{world_};
    FakeGuard guard{world_};
    FakeDatapath datapath{world_};
    FakeHealth health{world_};
    FakeState persisted{world_};
    control::Ports ports{clock, network, guard, datapath, health, persisted};
    control::NodeState state;
    unsigned resizes = 0; ///< that were completed
    control::ControlRoles roles{context_.get_executor(), ports, state, [this] { ++resizes; }};
};

/// What an operator and the traffic see of the world.
struct Visible {
    std::optional<std::string> manifest;
    std::optional<plan::GuardPlan> guard;
    std::vector<std::pair<std::uint32_t, bool>> targets; ///< addresses in the bank, and whether they are up
    std::set<unsigned> attached;
    std::uint32_t capacity = 0;

    bool operator==(const Visible &) const = default;
};

inline Visible visible(const FakeWorld &world) {
    Visible seen{world.manifest, world.guard, {}, {}, 0};
    for (const auto &[ifindex, mode] : world.attached)
        seen.attached.insert(ifindex);
    if (!world.maps)
        return seen;
    seen.capacity = world.maps->capacity;
    if (world.maps->bank)
        for (std::size_t i = 0; i < world.maps->bank->targets.size(); ++i)
            if (const auto &row = world.maps->bank->targets[i]; row.destination) {
                const auto state = world.maps->target_states.find(static_cast<std::uint16_t>(i));
                seen.targets.emplace_back(row.destination,
                                          state != world.maps->target_states.end() && state->second != 0);
            }
    std::ranges::sort(seen.targets);
    return seen;
}

} // namespace glb::test
