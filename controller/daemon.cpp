#include "controller/daemon.h"

#include <utility>

namespace glb {

Result<std::unique_ptr<Daemon>> Daemon::open(const DaemonOptions &options, state::StateStore store) {
    GLB_ASSIGN(auto network, adapters::KernelNetwork::open());
    GLB_ASSIGN(auto guard, guard::Guard::open(
                               {options.bpffs / "guard", options.state_dir / "guard.json", options.run_dir}));
    return std::unique_ptr<Daemon>(
        new Daemon(options, std::move(store), std::move(network), std::move(guard)));
}

Daemon::Daemon(const DaemonOptions &options, state::StateStore store, adapters::KernelNetwork network,
               guard::Guard guard)
    : network_(std::move(network)), guard_(std::move(guard)), datapath_(options.bpffs),
      state_(std::move(store), state::History(options.state_dir / "history")),
      health_([this](health::HealthEvent event) { control_.on_health_event(std::move(event)); }),
      ports_{clock_, network_, guard_, datapath_, health_, state_}, control_(ports_),
      views_({control_.snapshots(), [this] { return health_.snapshot(); }, guard::read_uninspected_count,
              [this] { return health_.exchange_max_lag(); }, options.state_dir / "history", GLB_VERSION}) {}

void Daemon::run() {
    health_.start();
    control_.run();
}

/// Control uses health until its thread has ended.
void Daemon::stop() {
    control_.stop();
    health_.stop();
}

} // namespace glb
