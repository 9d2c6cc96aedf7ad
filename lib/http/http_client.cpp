#include "lib/http/http.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "controller/util/fd.h"

namespace glb {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

using boost::system::error_code;
using Stream = beast::basic_stream<asio::generic::stream_protocol>;
using Clock = std::chrono::steady_clock;

constexpr std::size_t whole_body_bytes = 1u << 30;  // of http_request()
constexpr std::size_t error_body_bytes = 16u << 20; // of http_stream(), for other statuses than 2xx

Result<Fd> connect_unix(const std::filesystem::path &path, std::chrono::milliseconds timeout) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto &text = path.native();
    if (text.empty() || text.size() >= sizeof address.sun_path)
        return fail_errno(ENAMETOOLONG, "{}", text);
    std::memcpy(address.sun_path, text.c_str(), text.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return fail_errno(errno, "cannot open a socket");
    // A connect blocks while the listener's queue is full; the send timeout bounds it (unix(7)).
    timeval bound{};
    bound.tv_sec = timeout.count() / 1000;
    bound.tv_usec = (timeout.count() % 1000) * 1000;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) {
        const int code = errno == EAGAIN ? ETIMEDOUT : errno;
        return fail_errno(code, "{}", text);
    }
    return fd;
}

int errno_of(error_code error) {
    if (error == beast::error::timeout)
        return ETIMEDOUT;
    if (error == http::error::end_of_stream || error == http::error::partial_message)
        return ECONNRESET;
    return error.category() == boost::system::system_category() ? error.value() : EPROTO;
}

http::request<http::string_body> make_request(const std::string &method, const std::string &target,
                                              const std::string &body) {
    http::request<http::string_body> request;
    request.version(11);
    request.method_string(method);
    request.target(target);
    request.set(http::field::host, "localhost"); // as Docker's clients do: a Unix socket has no host
    request.set(http::field::user_agent, "glbctl");
    request.keep_alive(false);
    if (method == "POST" || !body.empty()) {
        request.set(http::field::content_type, "application/json");
        request.body() = body;
        request.content_length(body.size());
    }
    return request;
}

/// One request over a connection of its own, step by step.
class Exchange {
  public:
    /// Each step ends at `deadline()`, called at its start.
    explicit Exchange(std::function<Clock::time_point()> deadline) : deadline_(std::move(deadline)) {
        parser_.body_limit(boost::none);
    }

    error_code open(Fd fd) {
        asio::generic::stream_protocol::socket socket(loop_);
        error_code error;
        socket.assign(asio::generic::stream_protocol(AF_UNIX, 0), fd.get(), error);
        if (error)
            return error;
        (void)fd.release(); // the socket owns it now
        stream_.emplace(std::move(socket));
        return {};
    }

    /// The response without its body.
    error_code send(const http::request<http::string_body> &request, HttpResponse &head) {
        // A server that rejects a request early may stop reading it: its response says more than our EPIPE.
        (void)run([&](auto done) { http::async_write(*stream_, request, done); });
        if (const auto error =
                run([&](auto done) { http::async_read_header(*stream_, buffer_, parser_, done); }))
            return error;
        const auto &message = parser_.get();
        head.status = message.result_int();
        head.content_type = std::string(message[http::field::content_type]);
        for (const auto &field : message)
            head.headers.emplace_back(field.name_string(), field.value());
        return {};
    }

    [[nodiscard]] bool is_done() const { return parser_.is_done(); }

    /// What has arrived of the body; it may be empty. Valid until the next call.
    error_code read_piece(std::string_view &piece) {
        auto &body = parser_.get().body();
        body.data = storage_.data();
        body.size = storage_.size();
        auto error = run([&](auto done) { http::async_read_some(*stream_, buffer_, parser_, done); });
        if (error == http::error::need_buffer) // the storage is full
            error = {};
        piece = {storage_.data(), storage_.size() - body.size};
        return error;
    }

  private:
    template <typename Start>
    error_code run(Start start) {
        error_code result;
        stream_->expires_at(deadline_());
        start([&](error_code error, std::size_t) { result = error; });
        loop_.restart();
        loop_.run();
        return result;
    }

    std::function<Clock::time_point()> deadline_;
    asio::io_context loop_{1};
    std::optional<Stream> stream_;
    beast::flat_buffer buffer_;
    http::response_parser<http::buffer_body> parser_;
    std::array<char, 65536> storage_{};
};

Result<HttpResponse> run_exchange(Exchange &exchange, const std::filesystem::path &path,
                                  std::chrono::milliseconds timeout,
                                  const http::request<http::string_body> &request, const HttpBodySink &sink) {
    GLB_ASSIGN(Fd fd, connect_unix(path, timeout));
    HttpResponse response;
    auto error = exchange.open(std::move(fd));
    if (!error)
        error = exchange.send(request, response);
    if (!error && !sink(response, {}))
        return fail_errno(ECANCELED, "{}", path.native());
    while (!error && !exchange.is_done()) {
        std::string_view piece;
        error = exchange.read_piece(piece);
        if (!piece.empty() && !sink(response, piece))
            return fail_errno(ECANCELED, "{}", path.native());
    }
    if (error)
        return fail_errno(errno_of(error), "{}", path.native());
    return response;
}

/// Appends to `body`, up to `most` bytes.
bool append(std::string &body, std::string_view piece, std::size_t most) {
    if (piece.size() > most - std::min(most, body.size()))
        return false;
    body += piece;
    return true;
}

} // namespace

Result<HttpResponse> http_request(const std::filesystem::path &path, const std::string &method,
                                  const std::string &target, const std::string &body,
                                  std::chrono::milliseconds timeout) {
    Exchange exchange([end = Clock::now() + timeout] { return end; });
    std::string received;
    auto response = run_exchange(exchange, path, timeout, make_request(method, target, body),
                                 [&](const HttpResponse &, std::string_view piece) {
                                     return append(received, piece, whole_body_bytes);
                                 });
    if (response)
        response->body = std::move(received);
    return response;
}

Result<HttpResponse> http_stream(const std::filesystem::path &path, const std::string &method,
                                 const std::string &target, const HttpBodySink &sink,
                                 std::chrono::milliseconds timeout) {
    Exchange exchange([timeout] { return Clock::now() + timeout; });
    std::string received;
    auto response = run_exchange(exchange, path, timeout, make_request(method, target, {}),
                                 [&](const HttpResponse &head, std::string_view piece) {
                                     return head.status / 100 == 2
                                                ? sink(head, piece)
                                                : append(received, piece, error_body_bytes);
                                 });
    if (response)
        response->body = std::move(received);
    return response;
}

} // namespace glb
