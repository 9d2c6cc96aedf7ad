#include "controller/api/http/http.h"

#include <cstring>

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

// The manifest in force and a whole flow table are the largest answers.
constexpr std::uint64_t answer_bytes = 1u << 30;

Result<Fd> connect_unix(const std::filesystem::path &path, std::chrono::milliseconds timeout) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto &text = path.native();
    if (text.empty() || text.size() >= sizeof address.sun_path)
        return fail_errno(ENAMETOOLONG, "{}", text);
    std::memcpy(address.sun_path, text.c_str(), text.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return fail_errno(errno, "socket");
    // A connect blocks where the listener's queue is full; the send timeout bounds it (unix(7)).
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

} // namespace

Result<HttpResponse> http_request(const std::filesystem::path &path, const std::string &method,
                                  const std::string &target, const std::string &body,
                                  std::chrono::milliseconds timeout) {
    GLB_ASSIGN(Fd fd, connect_unix(path, timeout));
    asio::io_context loop(1);
    asio::generic::stream_protocol::socket socket(loop);
    error_code error;
    socket.assign(asio::generic::stream_protocol(AF_UNIX, 0), fd.get(), error);
    if (error)
        return fail_errno(errno_of(error), "{}", path.native());
    (void)fd.release(); // the socket owns it now
    Stream stream(std::move(socket));

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
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(answer_bytes);

    stream.expires_after(timeout);
    http::async_write(stream, request, [&](error_code, std::size_t) {
        // A server that refuses a request early may stop reading it: its answer says more than our EPIPE.
        http::async_read(stream, buffer, parser, [&](error_code read, std::size_t) { error = read; });
    });
    loop.run();
    if (error)
        return fail_errno(errno_of(error), "{}", path.native());

    auto message = parser.release();
    HttpResponse response;
    response.status = message.result_int();
    response.content_type = std::string(message[http::field::content_type]);
    for (const auto &field : message)
        response.headers.emplace_back(field.name_string(), field.value());
    response.body = std::move(message.body());
    return response;
}

} // namespace glb
