#include "tests/unit/health/prober_fixture.h"
#include "tests/unit/health/tls_server.h"

#include "controller/health/probes/orderly_closer.h"

using namespace glb;
using namespace glb::health;
using namespace glb::test;

namespace {

/// What a server sees after its status line.
struct Seen {
    int ended = 0;
    boost::system::error_code write_error, read_error;
};

/// Sends its response in two parts, as one that has not finished when the check has its verdict.
ScriptedServer::Behaviour respond_slowly(Seen &seen, std::chrono::milliseconds pause) {
    return [&seen, pause](tcp::socket &peer) -> Awaitable {
        co_await read_request(peer);
        co_await send(peer, "HTTP/1.1 200 OK\r\n");
        co_await wait_for(peer, pause);
        const std::string body(100'000, 'x');
        co_await asio::async_write(peer, asio::buffer(body),
                                   asio::redirect_error(asio::use_awaitable, seen.write_error));
        std::array<char, 64> bytes;
        co_await peer.async_read_some(asio::buffer(bytes),
                                      asio::redirect_error(asio::use_awaitable, seen.read_error));
        ++seen.ended;
    };
}

} // namespace

TEST_CASE(
    "orderly close: a server that still writes its response sees no reset, and the verdict does not wait",
    "[prober]") {
    ProberFixture fixture;
    Seen seen;
    ScriptedServer server(fixture.loop, respond_slowly(seen, 150ms));
    auto target = target_at(server.port());
    target.settings.interval = 900ms;
    const auto result = fixture.first_result(target);
    CHECK(result.outcome == ProbeOutcome::ok);
    CHECK(result.round_trip < 100ms);
    REQUIRE(fixture.run_until([&] { return seen.ended > 0; }));
    CHECK_FALSE(seen.write_error);
    CHECK(seen.read_error == asio::error::eof);
}

TEST_CASE("orderly close: a server that responds after the timeout sees no reset", "[prober]") {
    ProberFixture fixture;
    Seen seen;
    ScriptedServer server(fixture.loop, [&seen](tcp::socket &peer) -> Awaitable {
        co_await read_request(peer);
        co_await wait_for(peer, 150ms);
        co_await send(peer, "HTTP/1.1 200 OK\r\n");
        std::array<char, 64> bytes;
        co_await peer.async_read_some(asio::buffer(bytes),
                                      asio::redirect_error(asio::use_awaitable, seen.read_error));
        ++seen.ended;
    });
    auto target = target_at(server.port());
    target.settings.timeout = 50ms;
    target.settings.interval = 900ms;
    const auto result = fixture.first_result(target);
    CHECK(result.outcome == ProbeOutcome::timeout);
    REQUIRE(fixture.run_until([&] { return seen.ended > 0; }));
    CHECK(seen.read_error == asio::error::eof);
}

TEST_CASE("orderly close: TLS server receives close_notify", "[prober][https]") {
    ProberFixture fixture;
    TlsServer server(fixture.loop, self_signed(), "HTTP/1.1 200 OK\r\n\r\n");
    const auto result = fixture.first_result(target_at(server.port(), ProbeKind::https));
    CHECK(result.outcome == ProbeOutcome::ok);
    REQUIRE(fixture.run_until([&] { return !server.ends().empty(); }));
    CHECK(server.ends().front() == asio::error::eof);
}

TEST_CASE("orderly close: time and number of connections are bounded", "[prober]") {
    asio::io_context loop;
    auto closer = std::make_shared<OrderlyCloser>();
    tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
    acceptor.listen(2 * static_cast<int>(OrderlyCloser::max_connections));
    std::vector<std::shared_ptr<ProbeConnection>> connections;
    std::vector<tcp::socket> peers; // never close
    for (unsigned i = 0; i < OrderlyCloser::max_connections + 3; ++i) {
        connections.push_back(std::make_shared<ProbeConnection>(loop));
        connections.back()->socket.connect(acceptor.local_endpoint());
        connections.back()->socket.set_option(asio::socket_base::linger(true, 0));
        peers.push_back(acceptor.accept());
        peers.back().non_blocking(true);
        closer->close(connections.back());
    }
    CHECK(closer->pending() == OrderlyCloser::max_connections);
    CHECK_FALSE(connections.back()->socket.is_open());
    const auto start = std::chrono::steady_clock::now();
    loop.run();
    CHECK(std::chrono::steady_clock::now() - start < OrderlyCloser::max_time + 500ms);
    CHECK(closer->pending() == 0);
    for (const auto &connection : connections)
        CHECK_FALSE(connection->socket.is_open());
}
