#include "controller/health/probes/orderly_closer.h"

#include <array>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace asio = boost::asio;

namespace glb::health {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

/// True if the peer has closed its side as well.
asio::awaitable<bool> discard_until_closed(ProbeConnection &connection) {
    std::array<char, 8192> bytes;
    std::size_t left = OrderlyCloser::max_bytes;
    error_code error;
    while (!error && left != 0) {
        const std::size_t size = co_await connection.socket.async_read_some(
            asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
        left -= std::min(left, size);
    }
    co_return error == asio::error::eof;
}

} // namespace

ProbeConnection::~ProbeConnection() {
    if (tls)
        mark_shut_down(*tls);
}

void OrderlyCloser::close(std::shared_ptr<ProbeConnection> connection) {
    error_code ignored;
    if (pending_ >= max_connections || !connection->socket.is_open()) {
        connection->socket.close(ignored);
        return;
    }
    ++pending_;
    auto executor = connection->socket.get_executor();
    asio::co_spawn(
        executor,
        [self = shared_from_this(), connection = std::move(connection)] { return self->finish(connection); },
        asio::detached);
}

asio::awaitable<void> OrderlyCloser::finish(std::shared_ptr<ProbeConnection> connection) {
    const auto self = shared_from_this();
    auto &socket = connection->socket;
    error_code error;
    asio::steady_timer deadline(socket.get_executor());
    if (connection->tls_established) {
        deadline.expires_after(max_tls_time);
        deadline.async_wait([connection](const error_code &code) {
            error_code ignored;
            if (!code)
                connection->socket.cancel(ignored);
        });
        co_await connection->tls->async_shutdown(asio::redirect_error(asio::use_awaitable, error));
    }
    socket.shutdown(tcp::socket::shutdown_send, error);
    deadline.expires_after(max_time);
    deadline.async_wait([connection](const error_code &code) {
        error_code ignored;
        if (!code)
            connection->socket.close(ignored);
    });
    const bool is_closed = co_await discard_until_closed(*connection);
    deadline.cancel();
    if (is_closed) // nothing is left to be reset
        socket.set_option(tcp::socket::linger(false, 0), error);
    socket.close(error);
    --pending_;
}

} // namespace glb::health
