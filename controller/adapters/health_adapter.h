// HealthAdapter: HealthPort over the health engine on its thread.
#pragma once

#include <functional>
#include <utility>

#include "controller/control/ports/health_port.h"
#include "controller/health/health_engine.h"
#include "controller/health/health_thread.h"
#include "controller/util/monotonic_time.h"

namespace glb::adapters {

class HealthAdapter final : public control::HealthPort {
  public:
    /// `on_event` is called on the health thread; it must not block.
    explicit HealthAdapter(health::HealthEngine::OnEvent on_event)
        : engine_(thread_.context(), std::move(on_event)) {}
    ~HealthAdapter() override { stop(); }

    /// From now on targets are checked, by a thread with the caller's privileges.
    void start() { thread_.start(); }
    /// Nobody may call the port meanwhile or afterwards, except snapshot().
    void stop() { thread_.stop(); }
    /// Longest delay of the health thread since the last call. Any thread.
    [[nodiscard]] std::chrono::nanoseconds exchange_max_lag() { return thread_.exchange_max_lag(); }

    std::shared_ptr<const health::HealthSnapshot> snapshot() const override { return engine_.snapshot(); }

    void attach(std::shared_ptr<health::TargetStatePort> states) override {
        thread_.run([&] { engine_.attach(std::move(states)); });
    }
    void restore(const health::PersistedTargets &persisted) override {
        thread_.run([&] { engine_.restore(persisted); });
    }
    void restore_failures(const std::map<std::string, health::HealthReason> &failures) override {
        thread_.run([&] { engine_.restore_failures(failures); });
    }
    Status stage(const health::HealthConfig &config,
                 const std::vector<health::AdoptedTarget> &adopted) override {
        return thread_.run([&] { return engine_.stage(config, adopted); });
    }
    Status commit(std::uint64_t generation, const std::set<std::uint16_t> &resolved) override {
        return thread_.run([&] { return engine_.commit(generation, resolved); });
    }
    void abandon(std::uint64_t generation) override {
        thread_.run([&] {
            engine_.abort(generation);
            engine_.revert(generation);
        });
    }
    void set_resolved(const std::set<std::uint16_t> &resolved) override {
        thread_.run([&] { engine_.set_resolved(resolved); });
    }
    void reset() override {
        thread_.run([&] { engine_.reset(); });
    }
    Result<std::optional<MonotonicTime>> drain(const std::string &target, bool force,
                                               std::optional<MonotonicTime> until) override {
        return thread_.run([&] { return engine_.drain(target, force, until); });
    }
    Result<std::optional<MonotonicTime>> undrain(const std::string &target) override {
        return thread_.run([&] { return engine_.undrain(target); });
    }
    void on_flow_counts(std::vector<std::uint64_t> by_target) override {
        thread_.post([this, by_target = std::move(by_target)] { engine_.on_flow_counts(by_target); });
    }
    void on_neighbours(std::map<std::string, bool> resolved) override {
        thread_.post([this, resolved = std::move(resolved)] { engine_.on_neighbours(resolved); });
    }

  private:
    health::HealthThread thread_;
    health::HealthEngine engine_;
};

} // namespace glb::adapters
