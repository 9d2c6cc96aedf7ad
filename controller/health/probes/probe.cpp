#include "controller/health/probes/probe.h"

#include <algorithm>
#include <array>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "controller/health/probes/status_line.h"

namespace asio = boost::asio;

namespace glb::health {
namespace {

using boost::system::error_code;

// Host as in RFC 9110, section 7.2: an IPv6 address in brackets, the port unless it is the scheme's default.
std::string http_request(const ProbeTarget &target) {
    auto host = target.settings.host;
    if (host.empty()) {
        host = target.address.to_string();
        if (target.address.family == 6)
            host = "[" + host + "]";
        if (target.settings.port != (target.settings.protocol == ProbeKind::https ? 443 : 80))
            host += fmt::format(":{}", target.settings.port);
    }
    return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: glb-health-check/1\r\nAccept: */*\r\n"
                       "Connection: close\r\n\r\n",
                       target.settings.path, host);
}

ProbeResult failed_with(const error_code &error, std::string_view operation) {
    ProbeResult result;
    result.outcome = ProbeOutcome::error;
    if (error == asio::error::connection_refused)
        result.outcome = ProbeOutcome::refused;
    if (error == asio::error::timed_out)
        result.outcome = ProbeOutcome::timeout;
    result.detail = fmt::format("{}: {}", operation, error.message());
    return result;
}

error_code take_socket_error(asio::ip::tcp::socket &socket) {
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    return {error, boost::system::system_category()};
}

// A peer may respond and reset before the result of connect is read: the kernel then reports the reset as
// that result. A reset during the handshake itself is reported as "refused".
bool means_connected(const error_code &error) {
    return !error || error == asio::error::connection_reset || error == asio::error::broken_pipe;
}

} // namespace

Probe::Probe(asio::io_context &loop, ProbeTarget target, std::shared_ptr<const Prober::OnResult> on_result,
             std::shared_ptr<OrderlyCloser> closer, Result<std::shared_ptr<TlsContext>> tls)
    : loop_(loop), target_(std::move(target)), request_(http_request(target_)),
      on_result_(std::move(on_result)), closer_(std::move(closer)), tls_(std::move(tls)), pause_(loop),
      deadline_(loop) {}

void Probe::start(std::chrono::milliseconds delay) {
    asio::co_spawn(
        loop_, [self = shared_from_this(), delay] { return self->run(delay); }, asio::detached);
}

void Probe::stop() {
    stopped_ = true;
    pause_.cancel();
    if (connection_)
        expire();
}

asio::awaitable<void> Probe::run(std::chrono::milliseconds delay) {
    const auto self = shared_from_this();
    auto next = Clock::now() + delay;
    for (;;) {
        co_await sleep_until(next);
        if (stopped_)
            co_return;
        const auto start = Clock::now();
        ProbeResult result = co_await probe_once();
        if (stopped_)
            co_return;
        result.round_trip = Clock::now() - start;
        (*on_result_)(target_.key, result);
        if (stopped_)
            co_return;
        next = std::max(start + target_.settings.interval, Clock::now());
    }
}

asio::awaitable<void> Probe::sleep_until(Clock::time_point when) {
    error_code ignored;
    pause_.expires_at(when);
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<ProbeResult> Probe::probe_once() {
    connected_ = false;
    expired_ = false;
    if (const auto prepared = prepare(); !prepared) {
        connection_.reset(); // stop() ends the connection in progress
        co_return ProbeResult{ProbeOutcome::not_sent, 0, prepared.error().message, {}};
    }
    expire_at(Clock::now() + target_.settings.timeout);
    ProbeResult result = co_await connect_and_check();
    ++number_;
    deadline_.cancel();
    close_connection();
    if (expired_ && result.outcome == ProbeOutcome::error)
        co_return timeout_result();
    co_return result;
}

// A handler that is already queued when the probe ends can not be cancelled, hence the number.
void Probe::expire_at(Clock::time_point when) {
    deadline_.expires_at(when);
    deadline_.async_wait([self = shared_from_this(), number = number_](const error_code &error) {
        if (!error && number == self->number_)
            self->expire();
    });
}

// Ends every wait on the socket. A wait that begins just now is ended by the next call. The connection itself stays
// usable: it is still to be closed in an orderly way.
void Probe::expire() {
    constexpr std::chrono::milliseconds repetition{10};
    error_code ignored;
    expired_ = true;
    if (connected_)
        connection_->socket.cancel(ignored);
    else
        connection_->socket.close(ignored);
    expire_at(Clock::now() + repetition);
}

asio::awaitable<ProbeResult> Probe::connect_and_check() {
    error_code error(connect_error_, boost::system::system_category());
    auto &socket = connection_->socket;
    if (!error)
        co_await socket.async_wait(asio::ip::tcp::socket::wait_write,
                                   asio::redirect_error(asio::use_awaitable, error));
    if (!error)
        error = take_socket_error(socket);
    if (!means_connected(error))
        co_return failed_with(error, "connect");
    connected_ = true;
    if (target_.settings.protocol == ProbeKind::tcp)
        co_return ProbeResult{ProbeOutcome::ok, 0, "", {}};
    if (target_.settings.protocol == ProbeKind::https)
        co_return co_await exchange_https();
    co_return co_await exchange_http(socket);
}

asio::awaitable<ProbeResult> Probe::exchange_https() {
    error_code error;
    auto &stream = *connection_->tls;
    co_await stream.async_handshake(TlsStream::client, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
        session_.reset();
        auto failed = failed_with(error, "TLS handshake");
        if (const auto why = verify_error(stream); !why.empty())
            failed.detail = "TLS handshake: " + why;
        co_return failed;
    }
    connection_->tls_established = true;
    const auto result = co_await exchange_http(stream);
    session_ = cache_session(stream);
    co_return result;
}

template <typename Stream>
asio::awaitable<ProbeResult> Probe::exchange_http(Stream &stream) {
    error_code error;
    // Fails if the peer has responded and closed without reading; the response can still be read.
    co_await asio::async_write(stream, asio::buffer(request_),
                               asio::redirect_error(asio::use_awaitable, error));
    StatusLineReader reader;
    std::array<char, 2048> bytes;
    for (;;) {
        const std::size_t size = co_await stream.async_read_some(
            asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
        const auto progress = reader.feed({bytes.data(), size});
        if (progress == StatusLineReader::Progress::done)
            co_return check_status(reader.status());
        if (progress == StatusLineReader::Progress::garbage)
            co_return ProbeResult{ProbeOutcome::error, 0, "response is not HTTP", {}};
        if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
            co_return ProbeResult{
                ProbeOutcome::error, 0, "connection closed before a complete status line", {}};
        if (error)
            co_return failed_with(error, "before a complete status line");
    }
}

Status Probe::prepare() {
    connection_ = std::make_shared<ProbeConnection>(loop_);
    if (target_.settings.protocol == ProbeKind::https) {
        if (!tls_)
            tls_ = TlsContext::make(target_.settings.ca_file);
        if (!tls_)
            return tl::unexpected(tls_.error());
        auto &stream = connection_->tls.emplace(connection_->socket, (*tls_)->context);
        GLB_TRY(prepare_tls(stream, **tls_, target_.settings.host, target_.address, session_));
    }
    return start_connecting();
}

Status Probe::start_connecting() {
    GLB_ASSIGN(Fd fd, open_probe_socket(target_.address.family, target_.source));
    GLB_ASSIGN(connect_error_, start_connect(fd.get(), target_.address, target_.settings.port));
    error_code error;
    connection_->socket.assign(target_.address.family == 6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(),
                               fd.get(), error);
    if (error)
        return fail("probe socket: {}", error.message());
    (void)fd.release();
    return {};
}

void Probe::close_connection() {
    error_code ignored;
    if (connected_ && target_.settings.protocol != ProbeKind::tcp)
        closer_->close(std::move(connection_));
    else
        connection_->socket.close(ignored);
    connection_.reset();
}

ProbeResult Probe::check_status(int status) const {
    const auto &matcher = target_.settings.matcher;
    if (matcher.matches(status))
        return {ProbeOutcome::ok, status, "", {}};
    return {ProbeOutcome::mismatch,
            status,
            fmt::format("status {} is not in {}", status, matcher.to_string()),
            {}};
}

ProbeResult Probe::timeout_result() const {
    const auto *missing = !connected_ ? "no connection" : "connected, but no complete status line";
    return {ProbeOutcome::timeout,
            0,
            fmt::format("{} within {} ms", missing, target_.settings.timeout.count()),
            {}};
}

} // namespace glb::health
