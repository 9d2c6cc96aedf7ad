// Appliance: the packet threads with what they share.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "appliance/endpoints.h"
#include "appliance/flow_table.h"
#include "appliance/options.h"
#include "appliance/status.h"
#include "appliance/worker.h"
#include "controller/util/result.h"

namespace glb::appliance {

class Appliance {
  public:
    /// Opens the sockets, makes the listed endpoints' devices, and starts the threads. `log` is called by
    /// them.
    [[nodiscard]] static Result<std::unique_ptr<Appliance>> start(const Options &options, Endpoints::Log log);

    /// Stops the threads, and removes devices, rules and routes.
    ~Appliance();
    Appliance(const Appliance &) = delete;
    Appliance &operator=(const Appliance &) = delete;

    /// Whether every thread has gone through its loop lately; asks at most every half a second make sense.
    [[nodiscard]] bool alive(TimePoint now) const;
    [[nodiscard]] Snapshot snapshot() const;
    void expire_flows(TimePoint now) { flows_.expire(now); }

  private:
    explicit Appliance(const Options &options);
    [[nodiscard]] Status make_workers(const Options &options);
    [[nodiscard]] Status make_endpoints(const Options &options, Endpoints::Log log);

    FlowTable flows_;
    // In this order: endpoints know the workers that watch them, and both are gone through by the threads.
    std::vector<std::unique_ptr<Worker>> workers_;
    std::unique_ptr<Endpoints> endpoints_;
    std::vector<std::thread> threads_;
};

} // namespace glb::appliance
