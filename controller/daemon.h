// Daemon: the concrete roles of the node, put together.
#pragma once

#include <memory>
#include <optional>

#include "controller/adapters/datapath_adapter.h"
#include "controller/adapters/guard_adapter.h"
#include "controller/adapters/health_adapter.h"
#include "controller/adapters/kernel_network.h"
#include "controller/adapters/state_adapter.h"
#include "controller/adapters/system_clock.h"
#include "controller/control/control_loop.h"
#include "controller/daemon_options.h"
#include "controller/observe/node_views.h"

namespace glb {

class Daemon {
  public:
    /// Opens the kernel's interfaces in the network namespace of the calling thread. Changes nothing.
    [[nodiscard]] static Result<std::unique_ptr<Daemon>> open(const DaemonOptions &options, StateStore store);
    ~Daemon() { stop(); }

    /// Makes the manifest active, on this thread, with its privileges.
    [[nodiscard]] Status start(const std::optional<ManifestFile> &first_manifest) {
        return control_.start(first_manifest);
    }
    /// Starts the threads, with the privileges of the caller.
    void run();
    /// Ends the threads. Traffic continues.
    void stop();

    [[nodiscard]] const Ports &ports() const { return ports_; }
    [[nodiscard]] NodeCommands &commands() { return control_; }
    [[nodiscard]] const NodeReads &reads() const { return views_; }

  private:
    Daemon(const DaemonOptions &options, StateStore store, KernelNetwork network, guard::Guard guard,
           std::unique_ptr<DatapathAdapter> datapath);

    SystemClock clock_;
    KernelNetwork network_;
    GuardAdapter guard_;
    std::unique_ptr<DatapathAdapter> datapath_;
    StateAdapter state_;
    HealthAdapter health_;
    Ports ports_;
    ControlLoop control_;
    NodeViews views_;
};

} // namespace glb
