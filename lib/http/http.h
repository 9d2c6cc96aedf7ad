// HTTP/1.1: a server on an event loop, and a client for a single request. Beast is confined to the .cpp
// files.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/util/chunk_source.h"
#include "controller/util/peer_credentials.h"
#include "controller/util/result.h"
#include "lib/http/listener.h"

namespace boost::asio {
class io_context;
}

namespace glb {

struct HttpRequest {
    std::string method; ///< HEAD is passed on as GET; the server omits the body
    std::string target; ///< as sent: path and query, percent-encoded
    std::string body;
    PeerCredentials peer;
    std::string accept = {}; ///< value of the header; empty if absent
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers; ///< in addition to type and length
    /// If set, it produces the body in place of `body`, with chunked encoding. At most HttpLimits::streams
    /// such responses are sent at a time; the next request is answered with 503.
    ChunkSource chunks = {};
};

/// Called once per request, with the function that accepts the response, immediately or later, on the same
/// loop. Without a response within HttpLimits::answer the client gets 504.
using HttpRespond = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(const HttpRequest &, HttpRespond)>;

/// Runs `work` on another thread, and then `done` on the loop.
using Offload = std::function<void(std::function<void()> work, std::function<void()> done)>;

struct HttpLimits {
    std::size_t header_bytes = 16u << 10;      ///< beyond: 431
    std::size_t body_bytes = 16u << 20;        ///< beyond: 413
    std::size_t connections = 512;             ///< beyond: 503, and closed
    std::size_t streams = 4;                   ///< HttpResponse::chunks at a time; beyond: 503
    std::chrono::milliseconds idle{60'000};    ///< until the next request's header is complete; then closed
    std::chrono::milliseconds body{30'000};    ///< until the body is complete; then closed
    std::chrono::milliseconds answer{120'000}; ///< for the handler; then 504. For one chunk; then closed
    std::chrono::milliseconds write{30'000};   ///< until the client has read a response or chunk; then closed
    std::chrono::milliseconds stream_total{600'000}; ///< for all chunks of a response; then closed
};

/// Serves from construction to destruction, which closes every connection. The io_context must outlive it.
/// Chunks are produced by `offload`, or on the loop if there is none.
class HttpServer {
  public:
    [[nodiscard]] static std::unique_ptr<HttpServer> serve(boost::asio::io_context &loop, Listener listener,
                                                           HttpHandler handler, HttpLimits limits = {},
                                                           Offload offload = {});
    ~HttpServer();
    HttpServer(const HttpServer &) = delete;
    HttpServer &operator=(const HttpServer &) = delete;

    [[nodiscard]] std::size_t connections() const;

    struct State; ///< in http_session.h, private to the server

  private:
    explicit HttpServer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

/// Sends one request over the Unix socket `path` and waits for the complete response, at most `timeout`. The
/// Error's code is ENOENT or ECONNREFUSED (no listener), EACCES, ETIMEDOUT, EPROTO (not HTTP), ECONNRESET
/// (the connection ended early), or ECANCELED (the body is larger than 1 GiB).
[[nodiscard]] Result<HttpResponse> http_request(const std::filesystem::path &path, const std::string &method,
                                                const std::string &target, const std::string &body = {},
                                                std::chrono::milliseconds timeout = std::chrono::minutes(2));

/// Receives the body of `head` in pieces, of which the first is empty; false ends the transfer.
using HttpBodySink = std::function<bool(const HttpResponse &head, std::string_view piece)>;

/// The same for a body of any size: with a status of 2xx it is passed to `sink` as it arrives, and not
/// returned. `timeout` bounds the wait for each piece. The Error is ECANCELED if `sink` returned false.
[[nodiscard]] Result<HttpResponse> http_stream(const std::filesystem::path &path, const std::string &method,
                                               const std::string &target, const HttpBodySink &sink,
                                               std::chrono::milliseconds timeout);

} // namespace glb
