// TableScans: regular scans of the flow table, and what follows from them.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "controller/control/node_state.h"
#include "controller/control/ports/ports.h"
#include "controller/control/task.h"
#include "controller/control/turn.h"
#include "controller/observe/flow_scan.h"
#include "controller/util/monotonic_time.h"
#include "controller/util/worker.h"

namespace glb::control {

/// Frees indexes that no flow refers to any more, ends drains, keeps next hops in use fresh, and counts
/// one-way TCP flows. Control thread; the scan itself runs on `background`.
class TableScans {
  public:
    /// `is_migrating`: flows of another table may still arrive in this one.
    TableScans(boost::asio::any_io_executor executor, const Ports &ports, NodeState &state, Turn &turn,
               Worker &background, std::function<bool()> is_migrating);

    /// Begins a scan, unless one runs or the last one has just ended.
    void check();

  private:
    [[nodiscard]] Task<void> run();
    void apply(const observe::FlowStats &count);
    void release_indexes(const observe::FlowStats &count);
    void refresh_next_hops(const observe::FlowStats &count);

    boost::asio::any_io_executor executor_;
    const Ports &ports_;
    NodeState &state_;
    Turn &turn_;
    Worker &background_;
    std::function<bool()> is_migrating_;
    observe::AsymmetricTcpDetector one_way_; ///< used by the running scan alone
    bool running_ = false;
    std::optional<MonotonicTime> ended_;
};

} // namespace glb::control
