// Probe: periodic check of one target. Private to the library; owned by Prober.
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/health/probes/orderly_closer.h"
#include "controller/health/probes/prober.h"
#include "controller/health/probes/tls.h"

namespace glb::health {

/// The coroutine owns the object, so stop() is possible at any suspension point: it ends the probe in progress
/// and cancels the timers.
class Probe : public std::enable_shared_from_this<Probe> {
  public:
    /// `tls`: for HTTPS probes, else null. If it is an error, each probe tries again to make it.
    Probe(boost::asio::io_context &loop, ProbeTarget target,
          std::shared_ptr<const Prober::OnResult> on_result, std::shared_ptr<OrderlyCloser> closer,
          Result<std::shared_ptr<TlsContext>> tls);

    void start(std::chrono::milliseconds delay);
    void stop();

    [[nodiscard]] const ProbeTarget &target() const { return target_; }

  private:
    using Clock = std::chrono::steady_clock;

    boost::asio::awaitable<void> run(std::chrono::milliseconds delay);
    boost::asio::awaitable<void> sleep_until(Clock::time_point when);
    boost::asio::awaitable<ProbeResult> probe_once();
    boost::asio::awaitable<ProbeResult> connect_and_check();
    template <typename Stream>
    boost::asio::awaitable<ProbeResult> exchange_http(Stream &stream);
    boost::asio::awaitable<ProbeResult> exchange_https();

    [[nodiscard]] Status prepare();
    /// An error here is a local one: the SYN did not leave the node.
    [[nodiscard]] Status start_connecting();
    void expire_at(Clock::time_point when);
    void expire();
    void close_connection();
    [[nodiscard]] ProbeResult check_status(int status) const;
    [[nodiscard]] ProbeResult timeout_result() const;

    boost::asio::io_context &loop_;
    const ProbeTarget target_;
    const std::string request_; // of HTTP probes
    const std::shared_ptr<const Prober::OnResult> on_result_;
    const std::shared_ptr<OrderlyCloser> closer_;
    Result<std::shared_ptr<TlsContext>> tls_;
    TlsSession session_; // of the last probe with a response
    boost::asio::steady_timer pause_;
    boost::asio::steady_timer deadline_;
    bool stopped_ = false;

    // Of the probe in progress:
    std::shared_ptr<ProbeConnection> connection_;
    std::uint64_t number_ = 0;
    int connect_error_ = 0; // of a connect that ended at once
    bool connected_ = false;
    bool expired_ = false;
};

} // namespace glb::health
