// ScriptedServer: TCP server on loopback with a scripted behaviour per connection.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace glb::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using Awaitable = asio::awaitable<void>;

/// The request up to its empty line; "" if the peer closed.
inline asio::awaitable<std::string> read_request(tcp::socket &peer) {
    std::string request;
    boost::system::error_code error;
    std::array<char, 1024> bytes;
    while (!error && request.find("\r\n\r\n") == request.npos) {
        const std::size_t size = co_await peer.async_read_some(
            asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
        request.append(bytes.data(), size);
    }
    co_return error ? std::string() : request;
}

inline Awaitable send(tcp::socket &peer, const std::string &text) {
    boost::system::error_code ignored;
    co_await asio::async_write(peer, asio::buffer(text), asio::redirect_error(asio::use_awaitable, ignored));
}

inline Awaitable wait_for(tcp::socket &peer, std::chrono::milliseconds length) {
    asio::steady_timer timer(peer.get_executor(), length);
    co_await timer.async_wait(asio::use_awaitable);
}

/// Waits until the peer closes or resets.
inline Awaitable wait_until_closed(tcp::socket &peer) {
    boost::system::error_code error;
    std::array<char, 1024> bytes;
    while (!error)
        co_await peer.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
}

class ScriptedServer {
  public:
    /// Handles a connection, which is closed when the coroutine ends.
    using Behaviour = std::function<Awaitable(tcp::socket &)>;

    ScriptedServer(asio::io_context &loop, Behaviour behaviour, const char *address = "127.0.0.1")
        : state_(std::make_shared<State>(loop, std::move(behaviour), asio::ip::make_address(address))) {
        asio::co_spawn(
            loop, [state = state_] { return serve(state); }, asio::detached);
    }
    ~ScriptedServer() { state_->acceptor.close(); }
    ScriptedServer(const ScriptedServer &) = delete;
    ScriptedServer &operator=(const ScriptedServer &) = delete;

    [[nodiscard]] std::uint16_t port() const { return state_->acceptor.local_endpoint().port(); }
    /// Peers of all connections so far.
    [[nodiscard]] const std::vector<tcp::endpoint> &peers() const { return state_->peers; }

  private:
    struct State {
        State(asio::io_context &loop, Behaviour b, const asio::ip::address &address)
            : acceptor(loop, tcp::endpoint(address, 0)), behaviour(std::move(b)) {}
        tcp::acceptor acceptor;
        Behaviour behaviour;
        std::vector<tcp::endpoint> peers;
    };

    static Awaitable serve(std::shared_ptr<State> state) {
        for (;;) {
            boost::system::error_code error;
            tcp::socket peer =
                co_await state->acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
            if (error)
                co_return;
            boost::system::error_code ignored;
            state->peers.push_back(peer.remote_endpoint(ignored));
            auto socket = std::make_shared<tcp::socket>(std::move(peer));
            asio::co_spawn(
                socket->get_executor(), [state, socket] { return handle(state, socket); }, asio::detached);
        }
    }
    static Awaitable handle(std::shared_ptr<State> state, std::shared_ptr<tcp::socket> socket) {
        co_await state->behaviour(*socket);
    }

    std::shared_ptr<State> state_;
};

} // namespace glb::test
