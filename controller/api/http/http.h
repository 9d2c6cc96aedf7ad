// HTTP/1.1: a server on the node's event loop, and a client for one request. No other header knows Beast.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/api/http/listener.h"
#include "controller/util/peer_credentials.h"
#include "controller/util/result.h"

namespace boost::asio {
class io_context;
}

namespace glb {

struct HttpRequest {
    std::string method; ///< HEAD comes as GET; the server leaves the body away
    std::string target; ///< as sent: path and query, percent-encoded
    std::string body;
    PeerCredentials peer;
    std::string accept = {}; ///< the header's value; empty: there is none
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers; ///< beyond type and length
};

/// Called once for each request, with the function that takes the answer: at once or later, on the same loop.
/// Where no answer comes in HttpLimits::answer, the client gets 504.
using HttpRespond = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(const HttpRequest &, HttpRespond)>;

/// Makes an answer, on any thread. An HttpOffload has it made beside the loop, and hands it over on the loop.
using HttpWork = std::function<HttpResponse()>;
using HttpOffload = std::function<void(HttpWork work, HttpRespond respond)>;

struct HttpLimits {
    std::size_t header_bytes = 16u << 10;      ///< beyond: 431
    std::size_t body_bytes = 16u << 20;        ///< beyond: 413
    std::size_t connections = 512;             ///< beyond: 503, and closed
    std::chrono::milliseconds idle{60'000};    ///< until the next request's header is whole; then closed
    std::chrono::milliseconds body{30'000};    ///< until the body is whole; then closed
    std::chrono::milliseconds answer{120'000}; ///< for the handler; then 504
    std::chrono::milliseconds write{30'000};   ///< until the client has taken the answer; then closed
};

/// Serves from its making to its destruction, which closes every connection. The io_context outlives it.
class HttpServer {
  public:
    [[nodiscard]] static std::unique_ptr<HttpServer> serve(boost::asio::io_context &loop, Listener listener,
                                                           HttpHandler handler, HttpLimits limits = {});
    ~HttpServer();
    HttpServer(const HttpServer &) = delete;
    HttpServer &operator=(const HttpServer &) = delete;

    [[nodiscard]] std::size_t connections() const;

    struct State; ///< private to http_server.cpp

  private:
    explicit HttpServer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

/// Sends one request over the Unix socket `path` and waits for the whole answer. The Error's code tells what
/// failed: ENOENT or ECONNREFUSED (nobody listens), EACCES, ETIMEDOUT, EPROTO (no HTTP), ECONNRESET.
[[nodiscard]] Result<HttpResponse> http_request(const std::filesystem::path &path, const std::string &method,
                                                const std::string &target, const std::string &body = {},
                                                std::chrono::milliseconds timeout = std::chrono::minutes(2));

} // namespace glb
