// One connection of an HttpServer, and what all connections of a server share. Private to the server.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "lib/http/http.h"

namespace glb {

/// Shared by the server and its coroutines: those that are resumed after the server's end find it closed.
struct HttpServer::State {
    State(boost::asio::io_context &io, Listener with, HttpHandler calls, HttpLimits bounds, Offload producer)
        : loop(io), listener(std::move(with)), family(listener->family()), readable(io, listener->fd()),
          pause(io), handler(std::move(calls)), limits(bounds), offload(std::move(producer)) {}

    boost::asio::io_context &loop;
    std::optional<Listener> listener; ///< empty once closed
    int family;
    boost::asio::posix::stream_descriptor readable; ///< the listener's, which closes it
    boost::asio::steady_timer pause;
    HttpHandler handler;
    HttpLimits limits;
    Offload offload;
    std::size_t streams = 0; ///< responses with chunks in progress
    bool open = true;
    std::unordered_map<std::uint64_t, std::function<void()>> sessions; ///< how to close each
    std::uint64_t next_session = 0;
};

/// Serves the connection `fd`, which it owns, to its end.
[[nodiscard]] boost::asio::awaitable<void> serve_session(std::shared_ptr<HttpServer::State> state, int fd);

} // namespace glb
