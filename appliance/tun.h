// TunDevice: a TUN device with one queue per packet thread.
#pragma once

#include <string>
#include <vector>

#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::appliance {

/// IP packets without packet information, multiple queues. The kernel's TUN driver delivers packets of a flow
/// to the queue through which that flow was written, so flows stay in order. The device is removed with its
/// last queue, also after SIGKILL.
class TunDevice {
  public:
    /// Creates the device `name`, down and without addresses, in the calling thread's network namespace.
    /// Reuses an existing multi-queue TUN device; fails for any other, with the fix in the message.
    [[nodiscard]] static Result<TunDevice> open(const std::string &name, unsigned queues);

    /// A non-blocking descriptor: each read() and write() is one packet.
    [[nodiscard]] int queue(unsigned index) const { return queues_[index].get(); }
    [[nodiscard]] unsigned ifindex() const { return ifindex_; }

  private:
    TunDevice(std::vector<Fd> queues, unsigned ifindex) : queues_(std::move(queues)), ifindex_(ifindex) {}

    std::vector<Fd> queues_;
    unsigned ifindex_;
};

} // namespace glb::appliance
