// Worker: a packet thread, with a UDP socket and one queue of every TUN device.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "appliance/batch.h"
#include "appliance/counters.h"
#include "appliance/endpoints.h"
#include "appliance/flow_table.h"
#include "appliance/geneve.h"
#include "appliance/options.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::appliance {

/// Blocks only in epoll_wait() and, briefly, in sending. All packets of a flow are processed in order by one
/// worker: received on the UDP socket that the kernel selects, returned from the TUN queue that the flow was
/// written to.
class Worker {
  public:
    /// `flows` must outlive the worker.
    [[nodiscard]] static Result<std::unique_ptr<Worker>> make(unsigned index, const Options &options,
                                                              Fd receiver, FlowTable &flows);

    /// Starts reading this worker's queue of the endpoint's device. Any thread.
    void watch(Endpoint &endpoint);

    /// Runs until stop(). `endpoints` is null with --reflect. Each iteration updates last_round().
    void run(Endpoints *endpoints);
    void stop();

    [[nodiscard]] const Counters &counters() const { return counters_; }
    [[nodiscard]] TimePoint last_round() const { return last_round_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t socket_overruns() const;

  private:
    Worker(unsigned index, const Options &options, FlowTable &flows, Fd receiver, Fd sender, Fd stop,
           Fd poll);

    void receive(TimePoint now);
    void process(const Arrival &arrival, TimePoint now);
    void reflect(const ReturnPath &path, Bytes inner);
    void inspect(const GenevePacket &packet, const ReturnPath &path, TimePoint now);
    void return_packets(Endpoint &endpoint, TimePoint now);
    [[nodiscard]] Endpoint *endpoint_of(std::uint64_t id, TimePoint now);

    const unsigned index_;
    const Options options_;
    FlowTable &flows_;
    Endpoints *endpoints_ = nullptr;
    Fd receiver_, sender_, stop_, poll_;
    ReceiveBatch incoming_;
    SendBatch outgoing_;
    std::vector<std::uint8_t> tun_buffer_; ///< for one batch of inner packets
    std::unordered_map<std::uint64_t, Endpoint *> endpoint_cache_;
    Counters counters_;
    std::atomic<TimePoint> last_round_;
};

} // namespace glb::appliance
