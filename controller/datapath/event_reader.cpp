#include "controller/datapath/event_reader.h"

#include <cerrno>
#include <cstddef>

#include <bpf/libbpf.h>

namespace glb::datapath {

struct EventReader::Ring {
    ring_buffer *buffer = nullptr;
    const std::function<void(const glb_event &)> *on_event = nullptr; ///< during poll()

    Ring() = default;
    Ring(const Ring &) = delete;
    Ring &operator=(const Ring &) = delete;
    ~Ring() { ring_buffer__free(buffer); }

    static int on_sample(void *context, void *data, std::size_t size) {
        const auto *on_event = static_cast<Ring *>(context)->on_event;
        if (size >= sizeof(glb_event) && on_event)
            (*on_event)(*static_cast<const glb_event *>(data));
        return 0;
    }
};

EventReader::EventReader(DatapathHandlesPtr handles) : handles_(std::move(handles)) {}
EventReader::EventReader(EventReader &&) noexcept = default;
EventReader &EventReader::operator=(EventReader &&) noexcept = default;
EventReader::~EventReader() = default;

void EventReader::rebind(DatapathHandlesPtr handles) {
    ring_.reset();
    handles_ = std::move(handles);
}

int EventReader::descriptor() const {
    return handles_->map(Map::events);
}

Status EventReader::poll(const std::function<void(const glb_event &)> &on_event) {
    if (!ring_) {
        auto ring = std::make_unique<Ring>();
        ring->buffer = ring_buffer__new(descriptor(), Ring::on_sample, ring.get(), nullptr);
        if (!ring->buffer)
            return fail_errno(errno, "cannot map the ring buffer of events");
        ring_ = std::move(ring);
    }
    ring_->on_event = &on_event;
    const int code = ring_buffer__consume(ring_->buffer);
    ring_->on_event = nullptr;
    if (code < 0)
        return fail_errno(-code, "cannot read events");
    return {};
}

} // namespace glb::datapath
