#include "lib/http/http_session.h"

#include <algorithm>
#include <optional>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
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

// Each co_await of this file is a full statement or a complete initialiser: in a condition, g++ 12 destroys
// the temporary awaitable twice.

/// Completion token: resumes the coroutine and stores the error instead of throwing it.
auto capture_error(error_code &error) {
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

HttpResponse error_response(unsigned status, std::string_view message) {
    HttpResponse response;
    response.status = status;
    response.body = fmt::format("{{\"errors\":[{{\"pointer\":\"\",\"message\":\"{}\"}}]}}\n", message);
    return response;
}

/// The response to a request that could not be read. None if the connection has ended, for example by a
/// timeout, on which Beast closes the socket.
std::optional<HttpResponse> response_to_read_error(error_code error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return error_response(431, "header too large");
    if (error == http::error::body_limit)
        return error_response(413, "body too large");
    if (error == http::error::end_of_stream || error == http::error::partial_message)
        return std::nullopt;
    if (error.category() == http::make_error_code(http::error::bad_method).category())
        return error_response(400, "not an HTTP/1.1 request");
    return std::nullopt;
}

/// A value that a session waits for. It may be set at once, while the session waits, or after the session has
/// ended: a holder of the shared pointer keeps no object of the loop alive.
template <typename T>
struct Pending {
    std::optional<T> value;
    asio::steady_timer *timer = nullptr; ///< of the session, while it waits

    void set(T result) {
        if (value)
            return;
        value = std::move(result);
        if (timer)
            timer->cancel();
    }
};

struct Chunk {
    std::string data;
    bool more = true;
};

class Session {
  public:
    Session(std::shared_ptr<HttpServer::State> state, Stream stream)
        : state_(std::move(state)), stream_(std::move(stream)),
          peer_(peer_of(stream_.socket().native_handle())), id_(state_->next_session++) {
        state_->sessions.emplace(id_, [this] { stream_.close(); });
    }
    ~Session() { state_->sessions.erase(id_); }
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    /// Serves requests in sequence until the client closes or an error occurs.
    asio::awaitable<void> run() {
        if (state_->sessions.size() > state_->limits.connections) {
            const auto response = error_response(503, "too many connections");
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
                const auto response = response_to_read_error(error);
                if (response && state_->open)
                    co_await refuse(*response);
                co_return;
            }
            const bool head = parser.get().method() == http::verb::head;
            const unsigned version = parser.get().version();
            keep_alive = parser.get().keep_alive();
            auto response = co_await answer(parser.get());
            if (!state_->open)
                co_return;
            if (response.chunks && !head && state_->streams >= state_->limits.streams) {
                release(std::make_shared<ChunkSource>(std::move(response.chunks)));
                response = error_response(
                    503, fmt::format("{} listings are in progress, which is the limit; retry later",
                                     state_->streams));
            }
            const bool stream = response.chunks && !head;
            if (stream && version < 11)
                keep_alive = false; // HTTP/1.0 has no chunked encoding: the body ends with the connection
            if (stream)
                co_await write_chunks(response, version, keep_alive, error);
            else
                co_await write(response, version, keep_alive, head, error);
            if (response.chunks) // of HEAD
                release(std::make_shared<ChunkSource>(std::move(response.chunks)));
            if (error)
                co_return;
        }
        co_await drain_and_close();
    }

  private:
    asio::awaitable<void> read(Parser &parser, error_code &error) {
        stream_.expires_after(state_->limits.idle);
        co_await http::async_read_header(stream_, buffer_, parser, capture_error(error));
        if (error)
            co_return;
        stream_.expires_after(state_->limits.body);
        if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await asio::async_write(stream_, asio::buffer(go_on), capture_error(error));
            if (error)
                co_return;
        }
        co_await http::async_read(stream_, buffer_, parser, capture_error(error));
    }

    asio::awaitable<HttpResponse> answer(http::request<http::string_body> &message) {
        HttpRequest request;
        request.method = message.method() == http::verb::head ? "GET" : std::string(message.method_string());
        request.target = std::string(message.target());
        request.body = std::move(message.body());
        request.peer = peer_;
        request.accept = std::string(message[http::field::accept]);

        auto pending = std::make_shared<Pending<HttpResponse>>();
        state_->handler(request, [pending](HttpResponse response) { pending->set(std::move(response)); });
        co_await wait_for(*pending);
        if (!pending->value)
            pending->value = error_response(504, "no answer in time");
        co_return std::move(*pending->value);
    }

    /// Returns when the value is set, or without one after HttpLimits::answer.
    template <typename T>
    asio::awaitable<void> wait_for(Pending<T> &pending) {
        if (pending.value)
            co_return;
        asio::steady_timer timer(stream_.get_executor(), state_->limits.answer);
        struct Registration { // ends also if the loop is destroyed, and this coroutine with it
            Pending<T> &pending;
            ~Registration() { pending.timer = nullptr; }
        } registration{pending};
        pending.timer = &timer;
        error_code ignored;
        co_await timer.async_wait(capture_error(ignored));
    }

    template <typename Body>
    static http::response<Body> head_of(const HttpResponse &response, unsigned version, bool keep_alive) {
        http::response<Body> message;
        message.version(version);
        message.result(response.status);
        message.set(http::field::content_type, response.content_type);
        message.set(http::field::cache_control, "no-store");
        for (const auto &[name, value] : response.headers)
            message.set(name, value);
        message.keep_alive(keep_alive);
        return message;
    }

    asio::awaitable<void> write(const HttpResponse &response, unsigned version, bool keep_alive, bool head,
                                error_code &error) {
        auto message = head_of<http::string_body>(response, version, keep_alive);
        if (response.chunks)
            message.chunked(version >= 11);
        else
            message.content_length(response.body.size());
        if (!head)
            message.body() = response.body;
        stream_.expires_after(state_->limits.write);
        http::response_serializer<http::string_body> serializer(message);
        if (head)
            co_await http::async_write_header(stream_, serializer, capture_error(error));
        else
            co_await http::async_write(stream_, serializer, capture_error(error));
    }

    /// Holds one of the slots for streams.
    class StreamSlot {
      public:
        explicit StreamSlot(HttpServer::State &state) : state_(state) { ++state_.streams; }
        ~StreamSlot() { --state_.streams; }
        StreamSlot(const StreamSlot &) = delete;
        StreamSlot &operator=(const StreamSlot &) = delete;

      private:
        HttpServer::State &state_;
    };

    /// Sends the chunks, each produced after the client has read the one before. After an error the body
    /// lacks its last chunk, by which the client detects that it is incomplete.
    asio::awaitable<void> write_chunks(HttpResponse &response, unsigned version, bool keep_alive,
                                       error_code &error) {
        const StreamSlot slot(*state_);
        const auto deadline = std::chrono::steady_clock::now() + state_->limits.stream_total;
        auto source = std::make_shared<ChunkSource>(std::move(response.chunks));
        auto message = head_of<http::buffer_body>(response, version, keep_alive);
        message.chunked(version >= 11);
        http::response_serializer<http::buffer_body> serializer(message);
        stream_.expires_after(state_->limits.write);
        co_await http::async_write_header(stream_, serializer, capture_error(error));
        for (bool more = true; more && !error;) {
            auto chunk = co_await next_chunk(source, error);
            const auto now = std::chrono::steady_clock::now();
            if (now >= deadline)
                error = beast::error::timeout;
            if (error)
                break;
            more = chunk.more;
            if (more && chunk.data.empty())
                continue;
            // Beast would send an empty buffer as the terminating chunk.
            message.body() = {chunk.data.empty() ? nullptr : chunk.data.data(), chunk.data.size(), more};
            stream_.expires_at(std::min(now + state_->limits.write, deadline));
            co_await http::async_write(stream_, serializer, capture_error(error));
            if (error == http::error::need_buffer)
                error = {};
        }
        release(std::move(source));
    }

    /// Destroys the source off the loop: it may hold the last reference to gigabytes of mapped memory. After a
    /// timeout the pool may still execute it.
    void release(std::shared_ptr<ChunkSource> source) {
        state_->offload([source = std::move(source)] {}, [] {});
    }

    asio::awaitable<Chunk> next_chunk(std::shared_ptr<ChunkSource> source, error_code &error) {
        auto pending = std::make_shared<Pending<Chunk>>();
        auto chunk = std::make_shared<Chunk>();
        state_->offload([source = std::move(source), chunk] { chunk->more = (*source)(chunk->data); },
                        [pending, chunk] { pending->set(std::move(*chunk)); });
        co_await wait_for(*pending);
        if (!state_->open || !pending->value) {
            error = beast::error::timeout;
            co_return Chunk{};
        }
        co_return std::move(*pending->value);
    }

    asio::awaitable<void> refuse(const HttpResponse &response) {
        error_code error;
        co_await write(response, 11, false, false, error);
        if (!error)
            co_await drain_and_close();
    }

    /// Closing a socket with unread bytes resets the connection, and the client may lose the response: what
    /// it still sends is read and discarded for up to two seconds.
    asio::awaitable<void> drain_and_close() {
        error_code error;
        stream_.socket().shutdown(Protocol::socket::shutdown_send, error);
        stream_.expires_after(std::chrono::seconds(2));
        std::array<char, 16384> discard{};
        for (std::size_t left = 2 * state_->limits.body_bytes; !error && left > 0;) {
            const auto count = co_await stream_.async_read_some(asio::buffer(discard), capture_error(error));
            left -= std::min(left, count);
        }
    }

    std::shared_ptr<HttpServer::State> state_;
    Stream stream_;
    PeerCredentials peer_;
    std::uint64_t id_;
    beast::flat_buffer buffer_;
};

asio::awaitable<void> run_session(std::shared_ptr<HttpServer::State> state, int fd) {
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

} // namespace

asio::awaitable<void> serve_session(std::shared_ptr<HttpServer::State> state, int fd) {
    return run_session(std::move(state), fd);
}

} // namespace glb
