// Probe: the endless check of one target. Private to the library; Prober owns it.
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/health/probes/prober.h"
#include "controller/health/probes/tls.h"

namespace glb {

/// The coroutine holds the object, so that it may be stopped at any await: stop() closes what it waits for.
class Probe : public std::enable_shared_from_this<Probe> {
  public:
    /// `tls`: of HTTPS probes; null for others. Where it could not be had, each probe says why.
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
    boost::asio::awaitable<ProbeResult> talk();
    template <typename Stream>
    boost::asio::awaitable<ProbeResult> ask_http(Stream &stream);
    boost::asio::awaitable<ProbeResult> ask_https();

    [[nodiscard]] Status open_socket();
    void close_socket();
    [[nodiscard]] ProbeResult judge_status(int status) const;
    [[nodiscard]] ProbeResult timed_out() const;

    boost::asio::io_context &loop_;
    const ProbeTarget target_;
    const std::string request_; // of HTTP probes
    const std::shared_ptr<const Prober::OnResult> on_result_;
    const Result<std::shared_ptr<TlsContext>> tls_;
    TlsSession session_; // of the last probe that got an answer
    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer pause_;
    boost::asio::steady_timer deadline_;
    bool stopped_ = false;

    // Of the probe under way:
    std::uint64_t number_ = 0;
    bool connected_ = false;
    bool expired_ = false;
};

} // namespace glb
