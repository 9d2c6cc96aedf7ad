// The endpoints that were seen, each with its TUN device.
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
#include "controller/network/netlink.h"
#include "controller/util/result.h"

namespace glb::appliance {

/// What one packet thread counts of one endpoint: written by it alone, read by anybody.
struct alignas(64) EndpointTraffic {
    std::atomic<std::uint64_t> packets_in{0}, bytes_in{0}, packets_back{0}, bytes_back{0};

    void came_in(std::size_t bytes) { add(packets_in, 1), add(bytes_in, bytes); }
    void went_back(std::size_t bytes) { add(packets_back, 1), add(bytes_back, bytes); }

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

/// Makes devices on demand, and takes them away together at the end. Safe to be called by every packet
/// thread.
class Endpoints {
  public:
    using Log = std::function<void(std::string)>;  ///< a line for the operator; called by any thread
    using Watch = std::function<void(Endpoint &)>; ///< a new endpoint's queues are to be read from now on

    /// Clears away what a killed process left in these tables. `threads` queues are made for each device.
    [[nodiscard]] static Result<std::unique_ptr<Endpoints>> make(const Options &options, Log log,
                                                                 Watch watch);
    ~Endpoints();
    Endpoints(const Endpoints &) = delete;
    Endpoints &operator=(const Endpoints &) = delete;

    /// The endpoint with its device, made now where it is new; it lives as long as this object. Fails where
    /// it may not have one (limit, not listed, a name that another has) or the kernel refuses.
    [[nodiscard]] Result<Endpoint *> add(std::uint64_t id);

    /// The same for the endpoint of a packet. A failure is logged, and stands for 10 s without being tried
    /// again: then and until then the answer is null.
    [[nodiscard]] Endpoint *for_packet(std::uint64_t id, TimePoint now);

    void for_each(const std::function<void(const Endpoint &)> &visit) const;

  private:
    Endpoints(const Options &options, Log log, Watch watch, Netlink netlink);
    [[nodiscard]] Result<Endpoint *> add_locked(std::uint64_t id);
    [[nodiscard]] Result<std::unique_ptr<Endpoint>> make_endpoint(std::uint64_t id);
    [[nodiscard]] Status check_allowed(std::uint64_t id) const;

    const Options options_;
    const Log log_;
    const Watch watch_;
    Netlink netlink_;
    mutable std::mutex mutex_;
    std::map<std::uint64_t, std::unique_ptr<Endpoint>> endpoints_;
    std::map<std::uint64_t, TimePoint> refused_; ///< until when; bounded
};

} // namespace glb::appliance
