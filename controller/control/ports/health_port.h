// HealthPort: the health engine as control uses it. See health/health_engine.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/health/datapath_port.h"
#include "controller/health/health_snapshot.h"
#include "controller/util/monotonic_time.h"

namespace glb::control {

/// Control thread. Each call waits for the health thread, which never blocks.
class HealthPort {
  public:
    virtual ~HealthPort() = default;

    [[nodiscard]] virtual std::shared_ptr<const health::HealthSnapshot> snapshot() const = 0;

    /// null: no data path is loaded.
    virtual void attach(std::shared_ptr<health::TargetStatePort> states) = 0;
    virtual void restore(const health::PersistedTargets &persisted) = 0;
    virtual void restore_failures(const std::map<std::string, health::HealthReason> &failures) = 0;

    [[nodiscard]] virtual Status stage(const health::HealthConfig &config,
                                       const std::vector<health::AdoptedTarget> &adopted) = 0;
    [[nodiscard]] virtual Status commit(std::uint64_t generation,
                                        const std::set<std::uint16_t> &resolved) = 0;
    /// Takes back both stage() and commit() of `generation`.
    virtual void abandon(std::uint64_t generation) = 0;
    virtual void set_resolved(const std::set<std::uint16_t> &resolved) = 0;
    virtual void reset() = 0;

    /// Return the previous end of the drain.
    [[nodiscard]] virtual Result<std::optional<MonotonicTime>> drain(const std::string &target, bool force,
                                                                     std::optional<MonotonicTime> until) = 0;
    [[nodiscard]] virtual Result<std::optional<MonotonicTime>> undrain(const std::string &target) = 0;

    // These return at once.
    virtual void on_flow_counts(std::vector<std::uint64_t> by_target) = 0;
    virtual void on_neighbours(std::map<std::string, bool> resolved) = 0;
};

} // namespace glb::control
