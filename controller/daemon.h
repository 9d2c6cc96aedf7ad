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
    [[nodiscard]] static Result<std::unique_ptr<Daemon>> open(const DaemonOptions &options,
                                                              state::StateStore store);
    ~Daemon() { stop(); }

    /// Makes the manifest active, on this thread, with its privileges.
    [[nodiscard]] Status start(const std::optional<control::ManifestFile> &first_manifest) {
        return control_.start(first_manifest);
    }
    /// Starts the threads, with the privileges of the caller.
    void run();
    /// Ends the threads. Traffic continues.
    void stop();

    [[nodiscard]] const control::Ports &ports() const { return ports_; }
    [[nodiscard]] control::NodeCommands &commands() { return control_; }
    [[nodiscard]] const observe::NodeReads &reads() const { return views_; }

  private:
    Daemon(const DaemonOptions &options, state::StateStore store, adapters::KernelNetwork network,
           guard::Guard guard);

    adapters::SystemClock clock_;
    adapters::KernelNetwork network_;
    adapters::GuardAdapter guard_;
    adapters::DatapathAdapter datapath_;
    adapters::StateAdapter state_;
    adapters::HealthAdapter health_;
    control::Ports ports_;
    control::ControlLoop control_;
    observe::NodeViews views_;
};

} // namespace glb
