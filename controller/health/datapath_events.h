// DatapathEvents: reads the events of the loaded data path on an event loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "controller/health/datapath_port.h"

namespace glb::health {

/// Not thread-safe: to be called on the loop's thread.
class DatapathEvents {
  public:
    using OnEvent = std::function<void(const glb_event &)>;

    /// `loop` must outlive it, and must not run after its destruction.
    DatapathEvents(boost::asio::io_context &loop, OnEvent on_event)
        : on_event_(std::move(on_event)), descriptor_(loop) {}

    /// Replaces the data path; null: none.
    void attach(std::shared_ptr<TargetStatePort> datapath);
    /// Reads the pending events now.
    void poll();

  private:
    void wait();

    OnEvent on_event_;
    std::shared_ptr<TargetStatePort> datapath_;
    boost::asio::posix::stream_descriptor descriptor_;
    std::uint64_t generation_ = 0; ///< distinguishes waits on descriptors of replaced data paths
    bool failed_ = false;          ///< the last read
};

} // namespace glb::health
