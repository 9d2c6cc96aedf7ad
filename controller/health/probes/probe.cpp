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

asio::ip::tcp::endpoint endpoint_of(const IpAddress &address, std::uint16_t port) {
    if (address.family == 6)
        return {asio::ip::address_v6(address.bytes), port};
    return {asio::ip::address_v4({address.bytes[0], address.bytes[1], address.bytes[2], address.bytes[3]}),
            port};
}

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

// A peer may respond and reset before the result of connect is read: the kernel then reports the reset as
// that result. A reset during the handshake itself is reported as "refused".
bool means_connected(const error_code &error) {
    return !error || error == asio::error::connection_reset || error == asio::error::broken_pipe;
}

} // namespace

Probe::Probe(asio::io_context &loop, ProbeTarget target, std::shared_ptr<const Prober::OnResult> on_result,
             Result<std::shared_ptr<TlsContext>> tls)
    : loop_(loop), target_(std::move(target)), request_(http_request(target_)),
      on_result_(std::move(on_result)), tls_(std::move(tls)), socket_(loop), pause_(loop), deadline_(loop) {}

void Probe::start(std::chrono::milliseconds delay) {
    asio::co_spawn(
        loop_, [self = shared_from_this(), delay] { return self->run(delay); }, asio::detached);
}

void Probe::stop() {
    stopped_ = true;
    pause_.cancel();
    deadline_.cancel();
    close_socket();
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

// The deadline closes the socket, which ends every wait on it. Its handler may already be queued when the
// probe ends and can then not be cancelled, hence the number.
asio::awaitable<ProbeResult> Probe::probe_once() {
    connected_ = false;
    expired_ = false;
    if (const auto opened = open_socket(); !opened)
        co_return ProbeResult{ProbeOutcome::error, 0, opened.error().message, {}};

    deadline_.expires_after(target_.settings.timeout);
    deadline_.async_wait([self = shared_from_this(), number = number_](const error_code &error) {
        if (error || number != self->number_)
            return;
        self->expired_ = true;
        self->close_socket();
    });
    ProbeResult result = co_await connect_and_check();
    ++number_;
    deadline_.cancel();
    close_socket();
    if (expired_ && result.outcome == ProbeOutcome::error)
        co_return timeout_result();
    co_return result;
}

asio::awaitable<ProbeResult> Probe::connect_and_check() {
    error_code error;
    const auto peer = endpoint_of(target_.address, target_.settings.port);
    co_await socket_.async_connect(peer, asio::redirect_error(asio::use_awaitable, error));
    if (!means_connected(error))
        co_return failed_with(error, "connect");
    connected_ = true;
    if (target_.settings.protocol == ProbeKind::tcp)
        co_return ProbeResult{ProbeOutcome::ok, 0, "", {}};
    if (target_.settings.protocol == ProbeKind::https)
        co_return co_await exchange_https();
    co_return co_await exchange_http(socket_);
}

asio::awaitable<ProbeResult> Probe::exchange_https() {
    if (!tls_)
        co_return ProbeResult{ProbeOutcome::error, 0, tls_.error().message, {}};
    error_code error;
    TlsStream stream(socket_, (*tls_)->context);
    if (const auto ready = prepare_tls(stream, **tls_, target_.settings.host, target_.address, session_);
        !ready)
        co_return ProbeResult{ProbeOutcome::error, 0, ready.error().message, {}};
    co_await stream.async_handshake(TlsStream::client, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
        session_.reset();
        auto failed = failed_with(error, "TLS handshake");
        if (const auto why = verify_error(stream); !why.empty())
            failed.detail = "TLS handshake: " + why;
        co_return failed;
    }
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

Status Probe::open_socket() {
    GLB_ASSIGN(Fd fd, open_probe_socket(target_.address.family, target_.source));
    error_code error;
    socket_.assign(target_.address.family == 6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), fd.get(), error);
    if (error)
        return fail("probe socket: {}", error.message());
    (void)fd.release();
    return {};
}

void Probe::close_socket() {
    error_code ignored;
    socket_.close(ignored);
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
