// ControlRoles: the parts of control, which share one state and take turns.
#pragma once

#include <functional>

#include <boost/asio/any_io_executor.hpp>

#include "controller/control/manifest_changes.h"
#include "controller/control/operator_overrides.h"
#include "controller/control/reconciler.h"
#include "controller/control/table_resizer.h"
#include "controller/control/table_scans.h"
#include "controller/control/turn.h"
#include "controller/util/worker.h"

namespace glb::control {

struct ControlRoles {
    /// `on_resized`: the data path continues on another flow table.
    ControlRoles(const boost::asio::any_io_executor &executor, const Ports &ports, NodeState &state,
                 std::function<void()> on_resized)
        : turn(executor), reconciler(ports, state, worker),
          resizer(executor, ports, state, turn, background, std::move(on_resized)),
          changes(ports, state, reconciler, resizer, worker), overrides(ports, state, worker, background),
          scans(executor, ports, state, turn, background,
                [this, &ports] { return ports.datapath.migration() || resizer.target(); }) {}

    Turn turn;
    Worker worker;     ///< of the command that has the turn
    Worker background; ///< scans and copies of the flow table
    Reconciler reconciler;
    TableResizer resizer;
    ManifestChanges changes;
    OperatorOverrides overrides;
    TableScans scans;
};

} // namespace glb::control
