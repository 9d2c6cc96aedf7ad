#include "controller/api/http/http.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace glb {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Stream = beast::basic_stream<Protocol>;
using Parser = http::request_parser<http::string_body>;

// Every co_await of this file is a statement of its own, or the whole of an initialiser: g++ 12 destroys the
// temporary awaitable of one inside a condition twice.

/// The completion token of this file: resumes the coroutine and writes the error instead of throwing it.
auto into(error_code &error) {
    return asio::redirect_error(asio::use_awaitable, error);
}

PeerCredentials peer_of(int fd) {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    int family = AF_UNSPEC;
    socklen_t family_length = sizeof family;
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &family_length) != 0 || family != AF_UNIX ||
        ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return {};
    return {true, credentials.uid, credentials.gid, credentials.pid};
}

HttpResponse problem(unsigned status, std::string_view message) {
    HttpResponse response;
    response.status = status;
    response.body = fmt::format("{{\"errors\":[{{\"pointer\":\"\",\"message\":\"{}\"}}]}}\n", message);
    return response;
}

/// What a request that could not be read is answered; nothing where the connection is over, be it by a
/// timeout, on which Beast closes the socket.
std::optional<HttpResponse> problem_of(error_code error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return problem(431, "the header is too large");
    if (error == http::error::body_limit)
        return problem(413, "the body is too large");
    if (error == http::error::end_of_stream || error == http::error::partial_message)
        return std::nullopt;
    if (error.category() == http::make_error_code(http::error::bad_method).category())
        return problem(400, "this is no HTTP/1.1 request");
    return std::nullopt;
}

/// The answer of one request, which may come at once, while the session sleeps, or when it is long gone: what
/// the handler holds keeps nothing of the loop alive.
struct Pending {
    std::optional<HttpResponse> response;
    asio::steady_timer *sleeping = nullptr; ///< the session's, while it waits

    void take(HttpResponse answer) {
        if (response)
            return;
        response = std::move(answer);
        if (sleeping)
            sleeping->cancel();
    }
};

} // namespace

/// Shared by the server and its coroutines, so that what is resumed after the server's end finds it closed.
struct HttpServer::State {
    State(asio::io_context &io, Listener with, HttpHandler calls, HttpLimits bounds)
        : loop(io), listener(std::move(with)), family(listener->family()),
          readable(io, ::fcntl(listener->fd(), F_DUPFD_CLOEXEC, 0)), pause(io), handler(std::move(calls)),
          limits(bounds) {}

    asio::io_context &loop;
    std::optional<Listener> listener; // empty once closed
    int family;
    asio::posix::stream_descriptor readable; // of a duplicate: the listener keeps and closes its own
    asio::steady_timer pause;
    HttpHandler handler;
    HttpLimits limits;
    bool open = true;
    std::unordered_map<std::uint64_t, Stream *> sessions;
    std::uint64_t next_session = 0;

    void close() {
        open = false;
        listener.reset();
        error_code ignored;
        readable.close(ignored);
        pause.cancel();
        for (auto &[id, stream] : sessions)
            stream->close();
    }
};

namespace {

class Session {
  public:
    Session(std::shared_ptr<HttpServer::State> state, Stream stream)
        : state_(std::move(state)), stream_(std::move(stream)),
          peer_(peer_of(stream_.socket().native_handle())), id_(state_->next_session++) {
        state_->sessions.emplace(id_, &stream_);
    }
    ~Session() { state_->sessions.erase(id_); }
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    /// Serves requests one after the other until the client or an error ends it.
    asio::awaitable<void> run() {
        if (state_->sessions.size() > state_->limits.connections) {
            const auto response = problem(503, "too many connections");
            co_await refuse(response);
            co_return;
        }
        bool keep_alive = true;
        while (keep_alive && state_->open) {
            Parser parser;
            parser.header_limit(static_cast<std::uint32_t>(state_->limits.header_bytes));
            parser.body_limit(state_->limits.body_bytes);
            error_code error;
            co_await read(parser, error);
            if (error) {
                const auto response = problem_of(error);
                if (response && state_->open)
                    co_await refuse(*response);
                co_return;
            }
            const bool head = parser.get().method() == http::verb::head;
            const unsigned version = parser.get().version();
            keep_alive = parser.get().keep_alive();
            const auto response = co_await answer(parser.get());
            if (!state_->open)
                co_return;
            co_await write(response, version, keep_alive, head, error);
            if (error)
                co_return;
        }
        co_await linger();
    }

  private:
    asio::awaitable<void> read(Parser &parser, error_code &error) {
        stream_.expires_after(state_->limits.idle);
        co_await http::async_read_header(stream_, buffer_, parser, into(error));
        if (error)
            co_return;
        stream_.expires_after(state_->limits.body);
        if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await asio::async_write(stream_, asio::buffer(go_on), into(error));
            if (error)
                co_return;
        }
        co_await http::async_read(stream_, buffer_, parser, into(error));
    }

    asio::awaitable<HttpResponse> answer(http::request<http::string_body> &message) {
        HttpRequest request;
        request.method = message.method() == http::verb::head ? "GET" : std::string(message.method_string());
        request.target = std::string(message.target());
        request.body = std::move(message.body());
        request.peer = peer_;
        request.accept = std::string(message[http::field::accept]);

        auto pending = std::make_shared<Pending>();
        state_->handler(request, [pending](HttpResponse response) { pending->take(std::move(response)); });
        if (!pending->response)
            co_await sleep_on(*pending);
        if (!pending->response)
            pending->response = problem(504, "no answer in time");
        co_return std::move(*pending->response);
    }

    asio::awaitable<void> sleep_on(Pending &pending) {
        asio::steady_timer timer(stream_.get_executor(), state_->limits.answer);
        struct Sleep { // also ended where the loop goes and destroys this coroutine in its sleep
            Pending &pending;
            ~Sleep() { pending.sleeping = nullptr; }
        } sleep{pending};
        pending.sleeping = &timer;
        error_code ignored;
        co_await timer.async_wait(into(ignored));
    }

    asio::awaitable<void> write(const HttpResponse &response, unsigned version, bool keep_alive, bool head,
                                error_code &error) {
        http::response<http::string_body> message;
        message.version(version);
        message.result(response.status);
        message.set(http::field::content_type, response.content_type);
        message.set(http::field::cache_control, "no-store");
        for (const auto &[name, value] : response.headers)
            message.set(name, value);
        message.keep_alive(keep_alive);
        message.content_length(response.body.size());
        if (!head)
            message.body() = response.body;
        stream_.expires_after(state_->limits.write);
        http::response_serializer<http::string_body> serializer(message);
        if (head)
            co_await http::async_write_header(stream_, serializer, into(error));
        else
            co_await http::async_write(stream_, serializer, into(error));
    }

    asio::awaitable<void> refuse(const HttpResponse &response) {
        error_code error;
        co_await write(response, 11, false, false, error);
        if (!error)
            co_await linger();
    }

    /// A socket closed with unread bytes resets the connection, and the client may lose our answer: what it
    /// still sends is read and thrown away for a moment.
    asio::awaitable<void> linger() {
        error_code error;
        stream_.socket().shutdown(Protocol::socket::shutdown_send, error);
        stream_.expires_after(std::chrono::seconds(2));
        std::array<char, 16384> waste{};
        for (std::size_t left = 2 * state_->limits.body_bytes; !error && left > 0;) {
            const auto count = co_await stream_.async_read_some(asio::buffer(waste), into(error));
            left -= std::min(left, count);
        }
    }

    std::shared_ptr<HttpServer::State> state_;
    Stream stream_;
    PeerCredentials peer_;
    std::uint64_t id_;
    beast::flat_buffer buffer_;
};

asio::awaitable<void> serve_one(std::shared_ptr<HttpServer::State> state, int fd) {
    error_code error;
    Protocol::socket socket(state->loop);
    socket.assign(Protocol(state->family, SOCK_STREAM), fd, error);
    if (error) {
        ::close(fd);
        co_return;
    }
    Session session(state, Stream(std::move(socket)));
    co_await session.run();
}

asio::awaitable<void> accept_all(std::shared_ptr<HttpServer::State> state) {
    while (state->open) {
        error_code error;
        co_await state->readable.async_wait(asio::posix::descriptor_base::wait_read, into(error));
        if (error)
            co_return;
        const int fd = ::accept4(state->listener->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            asio::co_spawn(state->loop, serve_one(state, fd), asio::detached);
        } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            // No descriptors or no memory: the socket stays readable, and asking again at once would spin.
            state->pause.expires_after(std::chrono::milliseconds(100));
            co_await state->pause.async_wait(into(error));
        }
    }
}

} // namespace

std::unique_ptr<HttpServer> HttpServer::serve(asio::io_context &loop, Listener listener, HttpHandler handler,
                                              HttpLimits limits) {
    auto state = std::make_shared<State>(loop, std::move(listener), std::move(handler), limits);
    asio::co_spawn(loop, accept_all(state), asio::detached);
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<HttpServer::State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() {
    state_->close();
}
std::size_t HttpServer::connections() const {
    return state_->sessions.size();
}

} // namespace glb
