// SystemdNotifier: reports to systemd (sd_notify(3)) when the node is ready for the first time, and what it
// waits for whenever it is not.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace glb {

/// The messages, without a socket. Pure.
class ReadinessMessages {
  public:
    /// `reason`: why the node is not ready; empty: it is. Nothing if the last message still holds.
    [[nodiscard]] std::optional<std::string> next(const std::string &reason);
    [[nodiscard]] bool was_ready() const { return was_ready_; }

  private:
    std::optional<std::string> last_reason_;
    bool was_ready_ = false;
};

/// Idle without $NOTIFY_SOCKET.
class SystemdNotifier {
  public:
    using NotReadyReason = std::function<std::string()>;

    /// `not_ready_reason` is called on the loop: often until the node is ready, then once a second.
    SystemdNotifier(boost::asio::io_context &loop, NotReadyReason not_ready_reason);

  private:
    void poll();

    NotReadyReason not_ready_reason_;
    ReadinessMessages messages_;
    boost::asio::steady_timer timer_;
};

} // namespace glb
