// Probe: periodic check of one target. Private to the library; owned by Prober.
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/health/probes/prober.h"
#include "controller/health/probes/tls.h"

namespace glb::health {

/// The coroutine owns the object, so stop() is possible at any suspension point: it closes the socket and
/// cancels the timers.
class Probe : public std::enable_shared_from_this<Probe> {
  public:
    /// `tls`: for HTTPS probes, else null. Its error is the result of each probe.
    Probe(boost::asio::io_context &loop, ProbeTarget target,
          std::shared_ptr<const Prober::OnResult> on_result, Result<std::shared_ptr<TlsContext>> tls);

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

    [[nodiscard]] Status open_socket();
    void close_socket();
    [[nodiscard]] ProbeResult check_status(int status) const;
    [[nodiscard]] ProbeResult timeout_result() const;

    boost::asio::io_context &loop_;
    const ProbeTarget target_;
    const std::string request_; // of HTTP probes
    const std::shared_ptr<const Prober::OnResult> on_result_;
    const Result<std::shared_ptr<TlsContext>> tls_;
    TlsSession session_; // of the last probe with a response
    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer pause_;
    boost::asio::steady_timer deadline_;
    bool stopped_ = false;

    // Of the probe in progress:
    std::uint64_t number_ = 0;
    bool connected_ = false;
    bool expired_ = false;
};

} // namespace glb::health
