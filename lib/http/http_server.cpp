#include "lib/http/http.h"

#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/http/http_session.h"

namespace glb {

namespace asio = boost::asio;

namespace {

using boost::system::error_code;

void run_inline(const std::function<void()> &work, const std::function<void()> &done) {
    work();
    done();
}

asio::awaitable<void> accept_all(std::shared_ptr<HttpServer::State> state) {
    while (state->open) {
        error_code error;
        co_await state->readable.async_wait(asio::posix::descriptor_base::wait_read,
                                            asio::redirect_error(asio::use_awaitable, error));
        if (error)
            co_return;
        const int fd = ::accept4(state->listener->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            asio::co_spawn(state->loop, serve_session(state, fd), asio::detached);
        } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            // No descriptors or no memory: the socket stays readable, and an immediate retry would spin.
            state->pause.expires_after(std::chrono::milliseconds(100));
            co_await state->pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        }
    }
}

} // namespace

std::unique_ptr<HttpServer> HttpServer::serve(asio::io_context &loop, Listener listener, HttpHandler handler,
                                              HttpLimits limits, Offload offload) {
    auto state = std::make_shared<State>(loop, std::move(listener), std::move(handler), limits,
                                         offload ? std::move(offload) : run_inline);
    asio::co_spawn(loop, accept_all(state), asio::detached);
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<HttpServer::State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() {
    state_->open = false;
    state_->readable.release();
    state_->listener.reset();
    state_->pause.cancel();
    for (const auto &[id, close] : state_->sessions)
        close();
}
std::size_t HttpServer::connections() const {
    return state_->sessions.size();
}

} // namespace glb
