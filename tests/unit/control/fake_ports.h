// The ports of one daemon over a FakeWorld. What they hold themselves is lost when the daemon is killed.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "controller/control/ports/ports.h"
#include "tests/unit/control/fake_world.h"

namespace glb::test {

class FakeClock final : public control::Clock {
  public:
    explicit FakeClock(FakeWorld &world) : world_(world) {}
    MonotonicTime now() const override { return world_.now; }
    std::uint32_t ticks() const override {
        return static_cast<std::uint32_t>(world_.now.time_since_epoch().count() >> GLB_TICK_SHIFT);
    }

  private:
    FakeWorld &world_;
};

class FakeNetwork final : public control::NetworkPort {
  public:
    explicit FakeNetwork(FakeWorld &world) : world_(world) {}

    Result<network::Snapshot> read() override;
    std::map<IpAddress, network::ResolvedPath>
    resolve_paths(const network::Snapshot &snapshot, const InterfaceRef &tunnel, const IpAddress &source,
                  const std::set<IpAddress> &targets, MonotonicTime now) override;
    void resolve(unsigned, const IpAddress &address) override { resolved.push_back(address); }
    bool force_resolve(const IpAddress &target, MonotonicTime) override;
    network::Reach reach(const IpAddress &) const override { return network::Reach::reachable; }
    Result<std::uint64_t> neighbour_table_overflows() override { return overflows; }
    void release_paths() override {}
    Result<bool> offload(const std::string &interface, network::OffloadFeature feature) override;
    Status set_offload(const std::string &interface, network::OffloadFeature feature, bool on) override;
    int changes_fd() const override { return -1; }
    Result<bool> drain_changes() override { return false; }
    std::uint64_t overruns() const override { return 0; }

    std::vector<IpAddress> resolved, forced;
    std::uint64_t overflows = 0;
    unsigned reads = 0;

  private:
    FakeWorld &world_;
};

class FakeGuard final : public control::GuardPort {
  public:
    explicit FakeGuard(FakeWorld &world) : world_(world) {}

    Status install(const plan::GuardPlan &plan) override;
    bool matches(const plan::GuardPlan &plan) const override { return plan_ == plan; }
    Status set_magic(std::uint32_t magic) override;
    Result<control::GuardCheck> check() override;
    Status remove() override;
    int events_fd() override { return -1; }
    bool drain_events() override { return false; }
    Status check_owner() override;
    Result<bool> restore(const std::vector<std::string> &known_devices, bool anew) override;
    Result<std::optional<std::string>> collect(bool dry_run) override;
    std::vector<Condition> missing_forwarding(const std::set<std::string> &devices) const override;

    std::atomic<unsigned> checks = 0;

  private:
    FakeWorld &world_;
    std::optional<plan::GuardPlan> plan_;
};

class FakeState final : public control::StatePort {
  public:
    explicit FakeState(FakeWorld &world) : world_(world) {}

    state::LoadedFile load_manifest() const override { return {world_.manifest, world_.manifest_damage}; }
    Status save_manifest(const std::string &text) override;
    Status remove_manifest() override;
    std::filesystem::path manifest_path() const override { return "manifest"; }
    Result<state::HashSeed> hash_seed(const std::optional<state::HashSeed> &running,
                                      bool may_create) override;
    Status persist_hash_seed(const state::HashSeed &seed) override;
    nlohmann::json value(const std::string &key) const override;
    Status set_value(const std::string &key, nlohmann::json value) override;
    std::vector<state::HistoryEntry> history() const override { return world_.history; }
    Status add_history(const state::HistoryEntry &entry) override;
    std::vector<Condition> conditions() const override { return world_.state_conditions; }

  private:
    FakeWorld &world_;
    mutable std::mutex mutex_; // of the world's values
};

class FakeMigration;

class FakeDatapath final : public control::DatapathPort {
  public:
    explicit FakeDatapath(FakeWorld &world) : world_(world) {}

    Status lock() override { return world_.operation("datapath.lock"); }
    Result<std::optional<control::FoundDatapath>> inspect(std::uint32_t capacity) override;
    Status load(std::uint32_t capacity, const std::vector<std::uint8_t> &seed) override;
    bool is_loaded() const override { return loaded_; }
    std::shared_ptr<control::FlowMigration> migration() const override;
    std::shared_ptr<control::FlowMigration> resize(std::uint32_t capacity,
                                                   const std::vector<std::uint8_t> &seed) override;
    Status remove() override;
    void release(bool) override {}
    Result<std::vector<datapath::StalePin>> stale_pins() override;
    Result<std::vector<std::string>> restore_pins() override;
    std::uint32_t capacity() const override { return loaded_ ? world_.maps->capacity : 0; }
    std::uint64_t epoch() const override { return loaded_ ? world_.maps->epoch : 0; }
    std::uint32_t punt_magic() const override { return 7; }
    datapath::DatapathHandlesPtr handles() const override { return loaded_ ? mapped : nullptr; }
    std::shared_ptr<health::TargetStatePort> target_states() const override;
    std::map<unsigned, datapath::AttachMode> attached() override;
    Status attach(unsigned ifindex, const std::string &name, datapath::AttachMode mode) override;
    Status detach(unsigned ifindex) override;
    Status set_index_name(std::uint32_t row, const std::string &name) override;
    Status put_maglev(std::uint32_t place, const plan::MaglevTable &slots) override;
    Status remove_maglev(std::uint32_t place) override;
    Status set_endpoint_override(std::uint16_t endpoint, std::uint64_t flags) override;
    Status activate(const plan::BankImage &image, bool new_epoch) override;
    Status raise_route_generation() override;
    Status set_seed(const std::vector<std::uint8_t> &seed) override;
    Status sync_egress(const datapath::EgressWriter::EgressRows &rows) override;
    Status sync_next_hops(const std::map<datapath::NextHopKey, glb_next_hop> &rows) override;
    std::map<datapath::NextHopKey, std::uint32_t> next_hops() const override;

    datapath::DatapathHandlesPtr mapped; ///< of a FakeFlowTable; null: none, and nothing is scanned

  private:
    friend class FakeMigration;

    FakeWorld &world_;
    bool loaded_ = false;
    std::shared_ptr<FakeMigration> upgrade_;
};

/// Stages and commits as the health engine does; a verdict is in the maps at once.
class FakeHealth final : public control::HealthPort {
  public:
    explicit FakeHealth(FakeWorld &world) : world_(world) { publish(); }

    std::shared_ptr<const health::HealthSnapshot> snapshot() const override { return snapshot_; }
    void attach(std::shared_ptr<health::TargetStatePort> states) override { states_ = std::move(states); }
    void restore(const health::PersistedTargets &persisted) override { persisted_ = persisted; }
    void restore_failures(const std::map<std::string, health::HealthReason> &failures) override;
    Status stage(const health::HealthConfig &config,
                 const std::vector<health::AdoptedTarget> &adopted) override;
    Status commit(std::uint64_t generation, const std::set<std::uint16_t> &resolved) override;
    void abandon(std::uint64_t generation) override;
    void set_resolved(const std::set<std::uint16_t> &) override {}
    void reset() override;
    Result<std::optional<MonotonicTime>> drain(const std::string &target, bool force,
                                               std::optional<MonotonicTime> until) override;
    Result<std::optional<MonotonicTime>> undrain(const std::string &target) override;
    void on_flow_counts(std::vector<std::uint64_t> by_target) override {
        flow_counts.push_back(std::move(by_target));
    }
    void on_neighbours(std::map<std::string, bool>) override {}

    /// As after a write of target states that failed; empty: after one that succeeded.
    void report_write_error(const std::string &error) {
        write_error_ = error;
        publish();
    }

    /// A verdict of probes or detectors.
    void verdict(const std::string &target, bool healthy);
    /// A target that is removed from now on drains until end_drain(); otherwise it is gone at once.
    void drain_removed() { drains_removed_ = true; }
    void end_drain(const std::string &target);

    std::vector<std::vector<std::uint64_t>> flow_counts; ///< one for each scan

  private:
    struct Configuration {
        health::HealthConfig config;
        std::vector<health::AdoptedTarget> adopted;
    };
    [[nodiscard]] Status write(const health::HealthTarget &target, const std::string &name);
    void publish();

    FakeWorld &world_;
    std::shared_ptr<health::TargetStatePort> states_;
    health::PersistedTargets persisted_;
    std::set<std::string> failed_;
    std::string write_error_;
    bool drains_removed_ = false;
    std::map<std::string, health::TargetSnapshot> removed_; ///< that drain
    Configuration active_;
    std::optional<Configuration> staged_, previous_;
    std::shared_ptr<const health::HealthSnapshot> snapshot_;
};

} // namespace glb::test
