// OperatorOverrides: the commands that operators give beside the manifest: drains and bypasses.
#pragma once

#include "controller/control/commands.h"
#include "controller/control/node_state.h"
#include "controller/control/ports/ports.h"
#include "controller/control/task.h"
#include "controller/util/worker.h"

namespace glb::control {

/// Each call holds the turn. An override is persisted before it is effective, or taken back.
class OperatorOverrides {
  public:
    /// `worker` writes the state, `background` counts flows.
    OperatorOverrides(const Ports &ports, NodeState &state, Worker &worker, Worker &background)
        : ports_(ports), state_(state), worker_(worker), background_(background) {}

    [[nodiscard]] Task<Result<documents::Drain>> drain(DrainRequest request);
    [[nodiscard]] Task<Result<documents::Bypass>> bypass(BypassRequest request);
    /// Ends bypasses whose time is over. The data path ends them by itself.
    [[nodiscard]] Task<void> expire();

  private:
    [[nodiscard]] Task<Status> change_drain(const std::string &name, const DrainRequest &request);
    void log_bypass(const BypassRequest &request, const std::optional<std::string> &reason) const;

    const Ports &ports_;
    NodeState &state_;
    Worker &worker_, &background_;
};

} // namespace glb::control
