// EventReader: the ring buffer of events from the data path. Health thread.
#pragma once

#include <functional>
#include <memory>

#include "controller/datapath/handles.h"
#include "controller/util/result.h"

namespace glb::datapath {

class EventReader {
  public:
    explicit EventReader(DatapathHandlesPtr handles);
    EventReader(EventReader &&) noexcept;
    EventReader &operator=(EventReader &&) noexcept;
    ~EventReader();

    /// Continues on other handles of the same maps.
    void rebind(DatapathHandlesPtr handles);

    /// Readable while events wait.
    [[nodiscard]] int descriptor() const;
    /// Calls `on_event` with each event that waits. Never blocks.
    [[nodiscard]] Status poll(const std::function<void(const glb_event &)> &on_event);

  private:
    struct Ring;
    DatapathHandlesPtr handles_;
    std::unique_ptr<Ring> ring_; ///< mapped at the first poll()
};

} // namespace glb::datapath
