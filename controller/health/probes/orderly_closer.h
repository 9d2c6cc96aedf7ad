// OrderlyCloser: ends the connections of HTTP and HTTPS probes. Private to the library.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "controller/health/probes/tls.h"

namespace glb::health {

/// The connection of one probe.
struct ProbeConnection {
    explicit ProbeConnection(boost::asio::io_context &loop) : socket(loop) {}
    ProbeConnection(const ProbeConnection &) = delete;
    ProbeConnection &operator=(const ProbeConnection &) = delete;
    ~ProbeConnection();

    boost::asio::ip::tcp::socket socket;
    std::optional<TlsStream> tls; ///< over `socket`, once the handshake has begun
    bool tls_established = false;
};

/// Closes connections without a reset: a peer that still writes its response, and does not expect a reset, would
/// die of SIGPIPE. Sends close_notify (TLS) and FIN, and discards what the peer sends until it has closed as well. Time,
/// bytes and number of such connections are bounded; beyond that a connection is reset.
class OrderlyCloser : public std::enable_shared_from_this<OrderlyCloser> {
  public:
    static constexpr std::chrono::milliseconds max_time{1000};
    static constexpr std::chrono::milliseconds max_tls_time{200}; ///< for the peer's close_notify
    static constexpr std::size_t max_bytes = std::size_t{2} << 20;
    static constexpr unsigned max_connections = 256;

    /// Returns at once. The executor of the socket must be running.
    void close(std::shared_ptr<ProbeConnection> connection);
    [[nodiscard]] unsigned pending() const { return pending_; }

  private:
    boost::asio::awaitable<void> finish(std::shared_ptr<ProbeConnection> connection);

    unsigned pending_ = 0;
};

} // namespace glb::health
