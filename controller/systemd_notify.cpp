#include "controller/systemd_notify.h"

#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

namespace glb {

namespace {

constexpr std::chrono::milliseconds pause_time{50};

} // namespace

SystemdNotifier::SystemdNotifier(boost::asio::io_context &loop, const LocalNode &node)
    : node_(node), timer_(loop) {
    if (std::getenv("NOTIFY_SOCKET"))
        look();
}

void SystemdNotifier::look() {
    const auto lacking = node_.not_ready_reason();
    if (lacking.empty()) {
        ::sd_notify(0, "READY=1\nSTATUS=attached and filled");
        return;
    }
    if (lacking != told_)
        ::sd_notify(0, fmt::format("STATUS={}", lacking).c_str());
    told_ = lacking;
    timer_.expires_after(pause_time);
    timer_.async_wait([this](const boost::system::error_code &code) {
        if (!code)
            look();
    });
}

} // namespace glb
