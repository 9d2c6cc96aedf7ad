// TableResizer: brings the flow table to the capacity of the manifest, under traffic and beside commands.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include <boost/asio/any_io_executor.hpp>

#include "controller/control/node_state.h"
#include "controller/control/ports/ports.h"
#include "controller/control/task.h"
#include "controller/control/turn.h"
#include "controller/util/monotonic_time.h"
#include "controller/util/worker.h"

namespace glb::control {

/// Control thread. All maps but the flow table's are used by both tables, so commands can be executed during a resize.
class TableResizer {
  public:
    /// `on_finished`: after the data path continues on the new table.
    TableResizer(boost::asio::any_io_executor executor, const Ports &ports, NodeState &state, Turn &turn,
                 Worker &background, std::function<void()> on_finished);

    /// Begins a migration if the capacity differs from the manifest's; not within some time after one that
    /// failed, unless `now`.
    void check(bool now = false);
    /// Capacity that is being migrated to; nullopt: none.
    [[nodiscard]] std::optional<std::uint32_t> target() const;

    /// For take-down: waits for the step on the worker, and ends the migration there. Nothing is undone.
    [[nodiscard]] Task<void> abandon();

  private:
    struct Job {
        std::uint32_t capacity = 0;
        std::shared_ptr<FlowMigration> migration;
        bool abandoned = false;
    };
    [[nodiscard]] Task<void> run(std::shared_ptr<Job> job);
    [[nodiscard]] Task<Status> prepare_and_migrate(std::shared_ptr<Job> job, bool prepare);
    [[nodiscard]] Task<void> undo(std::shared_ptr<Job> job, const Error &error);
    [[nodiscard]] unsigned tunnel() const;

    boost::asio::any_io_executor executor_;
    const Ports &ports_;
    NodeState &state_;
    Turn &turn_;
    Worker &background_;
    std::function<void()> on_finished_;
    std::shared_ptr<Job> job_;
    std::optional<MonotonicTime> again_; ///< not before
};

} // namespace glb::control
