// A node's kernel and disk in memory, which outlive the daemon, with a fault or a kill at any operation.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/control/ports/ports.h"

namespace glb::test {

/// Thrown where the daemon is killed.
struct Killed {
    std::string operation;
};

/// Counts operations; the n-th (from 1) fails, or never returns. They come from the control thread and from
/// its worker: while the disk blocks a change, the guard is checked.
class Operations {
  public:
    [[nodiscard]] Status operator()(const std::string &name) {
        if (hook)
            hook(name);
        const std::lock_guard lock(mutex_);
        names.push_back(name);
        ++count_;
        if (kill_at == count_)
            throw Killed{name};
        if (fail_at == count_ || (fail_named && name.starts_with(*fail_named)))
            return fail("fault at {}", name);
        return {};
    }
    /// Numbers the next operation 1, and clears faults and names.
    void restart() {
        count_ = 0;
        fail_at = kill_at = {};
        fail_named = {};
        names.clear();
    }

    std::optional<std::size_t> fail_at, kill_at;
    std::optional<std::string> fail_named; ///< every operation whose name begins with it
    std::vector<std::string> names;
    std::function<void(const std::string &)> hook; ///< called first, on the thread of the operation

  private:
    std::mutex mutex_;
    std::size_t count_ = 0;
};

/// What the maps of one data path hold.
struct FakeMaps {
    std::uint32_t capacity = 0;
    std::uint64_t epoch = 0;
    std::vector<std::uint8_t> seed;
    std::optional<plan::BankImage> bank;
    std::vector<std::string> names = std::vector<std::string>(GLB_INDEX_NAMES);
    std::map<std::uint32_t, plan::MaglevTable> maglev;
    std::map<std::uint16_t, std::uint64_t> overrides;
    std::map<std::uint16_t, std::uint64_t> target_states;
    datapath::EgressWriter::EgressRows egress;
    std::map<datapath::NextHopKey, glb_next_hop> next_hops;
    std::uint32_t route_generation = 0;
};

struct FakeWorld {
    Operations operation;

    // The kernel.
    network::Snapshot network;
    std::map<std::string, std::set<network::OffloadFeature>> offloads; ///< that are on
    std::set<std::string> not_forwarding;                              ///< devices
    std::optional<plan::GuardPlan> guard;
    std::optional<std::string> guard_of_other; ///< of the daemon with this name, which does not come back
    std::optional<FakeMaps> maps;              ///< pinned
    std::optional<FakeMaps> older_maps;        ///< of an earlier version, used by the links
    std::map<unsigned, datapath::AttachMode> attached;
    std::set<std::string> stale_pins;
    std::vector<std::string> removed_pins;

    // The disk.
    std::optional<std::string> manifest;
    std::string manifest_damage; ///< warning of its file
    std::vector<Condition> state_conditions;
    std::optional<state::HashSeed> seed;
    nlohmann::json values = nlohmann::json::object();
    std::vector<state::HistoryEntry> history;

    MonotonicTime now{std::chrono::hours(1)};

    /// eth0 (2, the tunnel), eth1 (3), eth2 (4); targets 192.0.2.10 to .19 are neighbours.
    FakeWorld();

    /// Fails a test where traffic could pass uninspected, or a row of the bank refers to one that is not
    /// written. Holds between any two operations.
    void check_invariants() const;
};

} // namespace glb::test
