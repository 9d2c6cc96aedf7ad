#include "controller/health/datapath_events.h"

#include <cerrno>
#include <fcntl.h>

#include <spdlog/spdlog.h>

#include "controller/util/fd.h"

namespace glb::health {

void DatapathEvents::attach(std::shared_ptr<TargetStatePort> datapath) {
    boost::system::error_code error;
    descriptor_.close(error);
    ++generation_;
    failed_ = false;
    datapath_ = std::move(datapath);
    if (!datapath_ || datapath_->event_fd() < 0)
        return;
    // A duplicate, since asio closes its descriptor. Not one of 0 to 2.
    Fd fd(::fcntl(datapath_->event_fd(), F_DUPFD_CLOEXEC, 3));
    error.assign(fd ? 0 : errno, boost::system::system_category());
    if (fd)
        descriptor_.assign(fd.get(), error);
    if (error)
        return spdlog::error("cannot wait for events of the data path: {}", error.message());
    (void)fd.release();
    wait();
}

void DatapathEvents::wait() {
    using boost::asio::posix::stream_descriptor;
    descriptor_.async_wait(stream_descriptor::wait_read,
                           [this, generation = generation_](const boost::system::error_code &code) {
                               if (code || generation != generation_)
                                   return;
                               poll();
                               wait();
                           });
}

void DatapathEvents::poll() {
    if (!datapath_)
        return;
    const auto done = datapath_->poll_events(on_event_);
    if (!done && !failed_) // up to 200 calls a second
        spdlog::warn("cannot read events of the data path, will retry: {}", done.error().message);
    failed_ = !done;
}

} // namespace glb::health
