// Endpoints and their TUN devices.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "appliance/flow_table.h"
#include "appliance/options.h"
#include "appliance/routing.h"
#include "appliance/tun.h"
#include "controller/util/result.h"
#include "lib/netlink/netlink.h"

namespace glb::appliance {

/// Counters of one packet thread for an endpoint: written by that thread, read by any thread.
struct alignas(64) EndpointTraffic {
    std::atomic<std::uint64_t> packets_in{0}, bytes_in{0}, packets_back{0}, bytes_back{0};

    void record_in(std::size_t bytes) { add(packets_in, 1), add(bytes_in, bytes); }
    void record_out(std::size_t bytes) { add(packets_back, 1), add(bytes_back, bytes); }

  private:
    static void add(std::atomic<std::uint64_t> &value, std::uint64_t count) {
        value.store(value.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
};

struct Endpoint {
    std::uint64_t id;
    RoutedDevice device;
    TunDevice tun;
    std::vector<EndpointTraffic> traffic; ///< by thread
};

/// Creates devices on demand and removes them all at the end. Thread-safe.
class Endpoints {
  public:
    using Log = std::function<void(std::string)>;  ///< logs a line; called by any thread
    using Watch = std::function<void(Endpoint &)>; ///< starts reading a new endpoint's queues

    /// Removes rules that a killed process left. Each device gets `options.threads` queues.
    [[nodiscard]] static Result<std::unique_ptr<Endpoints>> make(const Options &options, Log log,
                                                                 Watch watch);
    ~Endpoints();
    Endpoints(const Endpoints &) = delete;
    Endpoints &operator=(const Endpoints &) = delete;

    /// The endpoint, with a new device unless it exists. Valid as long as this object. Fails if the
    /// endpoint is not allowed (limit, not listed, name conflict) or the device cannot be created.
    [[nodiscard]] Result<Endpoint *> add(std::uint64_t id);

    /// The same for the endpoint of a packet. A failure is logged and returns null; it is retried after 10 s.
    [[nodiscard]] Endpoint *for_packet(std::uint64_t id, TimePoint now);

    void for_each(const std::function<void(const Endpoint &)> &visit) const;

  private:
    Endpoints(const Options &options, Log log, Watch watch, Netlink netlink);
    [[nodiscard]] Result<Endpoint *> add_locked(std::uint64_t id);
    [[nodiscard]] Result<std::unique_ptr<Endpoint>> create_endpoint(std::uint64_t id);
    [[nodiscard]] Status check_allowed(std::uint64_t id) const;

    const Options options_;
    const Log log_;
    const Watch watch_;
    Netlink netlink_;
    mutable std::mutex mutex_;
    std::map<std::uint64_t, std::unique_ptr<Endpoint>> endpoints_;
    std::map<std::uint64_t, TimePoint> rejected_; ///< time of the next attempt; bounded
};

} // namespace glb::appliance
