// A TUN device with one queue for each packet thread.
#pragma once

#include <string>
#include <vector>

#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::appliance {

/// Bare IP packets, no packet information, several queues. Packets of a flow come out of the queue by which
/// packets of that flow went in (the kernel's TUN driver remembers it), so a flow keeps its order. The device
/// goes with its last queue, even after kill -9.
class TunDevice {
  public:
    /// Makes the device `name`, down and without addresses, in the calling thread's network namespace. One
    /// that is there already and has several queues is taken over; any other is a failure with the mend in
    /// its text.
    [[nodiscard]] static Result<TunDevice> open(const std::string &name, unsigned queues);

    /// A non-blocking descriptor: read() gives one packet, write() takes one.
    [[nodiscard]] int queue(unsigned index) const { return queues_[index].get(); }
    [[nodiscard]] unsigned ifindex() const { return ifindex_; }

  private:
    TunDevice(std::vector<Fd> queues, unsigned ifindex) : queues_(std::move(queues)), ifindex_(ifindex) {}

    std::vector<Fd> queues_;
    unsigned ifindex_;
};

} // namespace glb::appliance
