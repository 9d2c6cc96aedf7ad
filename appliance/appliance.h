// Appliance: the packet threads and their shared state.
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
    /// Opens the sockets, creates the devices of the configured endpoints, and starts the threads. They call
    /// `log`.
    [[nodiscard]] static Result<std::unique_ptr<Appliance>> start(const Options &options, Endpoints::Log log);

    /// Stops the threads, and removes devices, rules and routes.
    ~Appliance();
    Appliance(const Appliance &) = delete;
    Appliance &operator=(const Appliance &) = delete;

    /// True if every thread has completed an iteration of its loop recently. Changes at most every half
    /// second.
    [[nodiscard]] bool alive(TimePoint now) const;
    [[nodiscard]] Snapshot snapshot() const;
    void expire_flows(TimePoint now) { flows_.expire(now); }

  private:
    explicit Appliance(const Options &options);
    [[nodiscard]] Status create_workers(const Options &options);
    [[nodiscard]] Status create_endpoints(const Options &options, Endpoints::Log log);

    FlowTable flows_;
    // In order of dependency: endpoints refer to workers, threads to both.
    std::vector<std::unique_ptr<Worker>> workers_;
    std::unique_ptr<Endpoints> endpoints_;
    std::vector<std::thread> threads_;
};

} // namespace glb::appliance
