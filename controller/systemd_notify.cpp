#include "controller/systemd_notify.h"

#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

namespace glb {

namespace {

constexpr std::chrono::milliseconds interval_until_ready{50};
constexpr std::chrono::seconds interval_once_ready{1};

} // namespace

/// READY=1 is sent once: systemd ignores it afterwards, and has no message for the opposite.
std::optional<std::string> ReadinessMessages::next(const std::string &reason) {
    if (last_reason_ == reason)
        return std::nullopt;
    last_reason_ = reason;
    if (!reason.empty())
        return fmt::format("STATUS=not ready: {}", reason);
    const bool is_first = !was_ready_;
    was_ready_ = true;
    return fmt::format("{}STATUS=ready", is_first ? "READY=1\n" : "");
}

SystemdNotifier::SystemdNotifier(boost::asio::io_context &loop, NotReadyReason not_ready_reason)
    : not_ready_reason_(std::move(not_ready_reason)), timer_(loop) {
    if (std::getenv("NOTIFY_SOCKET"))
        poll();
}

void SystemdNotifier::poll() {
    if (const auto message = messages_.next(not_ready_reason_()))
        ::sd_notify(0, message->c_str());
    if (messages_.was_ready())
        timer_.expires_after(interval_once_ready);
    else
        timer_.expires_after(interval_until_ready);
    timer_.async_wait([this](const boost::system::error_code &code) {
        if (!code)
            poll();
    });
}

} // namespace glb
