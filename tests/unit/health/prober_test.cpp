#include "tests/unit/health/prober_fixture.h"

#include <cerrno>
#include <fstream>

#include <sys/socket.h>

using namespace glb;
using namespace glb::health;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

ProbeResult probe(const ScriptedServer::Behaviour &behaviour, std::chrono::milliseconds timeout = 5s) {
    ProberFixture fixture;
    ScriptedServer server(fixture.loop, behaviour);
    auto target = target_at(server.port());
    target.settings.timeout = timeout;
    return fixture.first_result(target);
}

void reset_on_close(tcp::socket &peer) {
    peer.set_option(asio::socket_base::linger(true, 0));
}

// Sockets in TIME_WAIT with `port` at either end (/proc/net/tcp: hexadecimal, state 06).
int time_waits(std::uint16_t port) {
    std::ifstream file("/proc/net/tcp");
    const auto suffix = fmt::format(":{:04X}", port);
    int count = 0;
    std::string line, row, local, remote, state;
    std::getline(file, line);
    while (file >> row >> local >> remote >> state && std::getline(file, line))
        count += state == "06" && (local.ends_with(suffix) || remote.ends_with(suffix));
    return count;
}

} // namespace

TEST_CASE("HTTP probe: status is matched", "[prober]") {
    const auto ok = probe(respond_with("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    CHECK(ok.outcome == ProbeOutcome::ok);
    CHECK(ok.http_status == 200);
    CHECK(ok.round_trip > 0ns);

    const auto mismatch = probe(respond_with("HTTP/1.1 404 Not Found\r\n\r\n"));
    CHECK(mismatch.outcome == ProbeOutcome::mismatch);
    CHECK(mismatch.http_status == 404);
    CHECK(mismatch.detail == "status 404 is not in 200-399");

    ProberFixture fixture;
    ScriptedServer server(fixture.loop, respond_with("HTTP/1.1 404 Not Found\r\n\r\n"));
    auto target = target_at(server.port());
    target.settings.matcher = *StatusMatcher::parse("404");
    CHECK(fixture.first_result(target).outcome == ProbeOutcome::ok);
}

TEST_CASE("HTTP probe: request follows the settings", "[prober]") {
    std::string request;
    ProberFixture fixture;
    ScriptedServer server(fixture.loop, [&](tcp::socket &peer) -> Awaitable {
        request = co_await read_request(peer);
        co_await send(peer, "HTTP/1.1 200 OK\r\n\r\n");
    });
    auto target = target_at(server.port());
    SECTION("path and host") {
        target.settings.path = "/healthz?deep=1";
        target.settings.host = "fw.example";
        fixture.first_result(target);
        CHECK(request.starts_with("GET /healthz?deep=1 HTTP/1.1\r\n"));
        CHECK(request.find("\r\nHost: fw.example\r\n") != request.npos);
    }
    SECTION("address without a host") {
        fixture.first_result(target);
        CHECK(request.find(fmt::format("\r\nHost: 127.0.0.1:{}\r\n", server.port())) != request.npos);
    }
}

TEST_CASE("HTTP probe: lenient responses are accepted", "[prober]") {
    CHECK(probe(respond_with("HTTP/1.0 200 OK\n\n")).outcome == ProbeOutcome::ok);
    CHECK(probe(respond_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")).http_status == 200);
    CHECK(probe(respond_with("HTTP/1.1 200 OK\r\n\r\n" + std::string(1 << 20, 'x'))).outcome ==
          ProbeOutcome::ok);
}

TEST_CASE("HTTP probe: reset after the status line is ignored", "[prober]") {
    for (int i = 0; i < 20; ++i) {
        const auto result = probe([](tcp::socket &peer) -> Awaitable {
            co_await read_request(peer);
            co_await send(peer, "HTTP/1.1 200 OK\r\n");
            reset_on_close(peer);
        });
        INFO(result.detail);
        CHECK(result.outcome == ProbeOutcome::ok);
    }
}

TEST_CASE("HTTP probe: response before the request was read, with close or reset, is accepted", "[prober]") {
    const bool reset = GENERATE(false, true);
    for (int i = 0; i < 20; ++i) {
        const auto result = probe([reset](tcp::socket &peer) -> Awaitable {
            co_await send(peer, "HTTP/1.1 200 OK\r\n\r\n");
            if (reset)
                reset_on_close(peer);
        });
        INFO("reset " << reset << ", " << result.detail);
        CHECK(result.outcome == ProbeOutcome::ok);
    }
}

TEST_CASE("HTTP probe: timeout applies to the end of the status line", "[prober]") {
    const auto slow = [](tcp::socket &peer) -> Awaitable {
        co_await read_request(peer);
        const std::string answer = "HTTP/1.1 200 OK\n";
        for (const char c : answer) {
            const std::string byte(1, c);
            co_await send(peer, byte);
            co_await wait_for(peer, 10ms);
        }
        co_await wait_until_closed(peer);
    };
    CHECK(probe(slow).outcome == ProbeOutcome::ok);
    const auto late = probe(slow, 80ms);
    CHECK(late.outcome == ProbeOutcome::timeout);
    CHECK(late.detail == "connected, but no complete status line within 80 ms");
}

TEST_CASE("HTTP probe: garbage, missing response and early close are failures with a description",
          "[prober]") {
    const auto garbage = probe([](tcp::socket &peer) -> Awaitable {
        co_await send(peer, "SSH-2.0-OpenSSH_9.2");
        co_await wait_until_closed(peer);
    });
    CHECK(garbage.outcome == ProbeOutcome::error);
    CHECK(garbage.detail == "response is not HTTP");

    const auto cut = probe(respond_with("HTTP/1.1 200 O"));
    CHECK(cut.outcome == ProbeOutcome::error);
    CHECK(cut.detail == "connection closed before a complete status line");

    const auto missing =
        probe([](tcp::socket &peer) -> Awaitable { co_await wait_until_closed(peer); }, 50ms);
    CHECK(missing.outcome == ProbeOutcome::timeout);
    CHECK(missing.round_trip >= 50ms);
}

TEST_CASE("probe: closed port is refused", "[prober]") {
    const auto protocol = GENERATE(ProbeKind::tcp, ProbeKind::http);
    ProberFixture fixture;
    const auto result = fixture.first_result(target_at(closed_port(), protocol));
    CHECK(result.outcome == ProbeOutcome::refused);
    CHECK(result.detail == "connect: Connection refused");
}

TEST_CASE("probe: incomplete handshake times out", "[prober]") {
    ProberFixture fixture;
    tcp::acceptor full(fixture.loop, tcp::v4());
    full.bind({asio::ip::address_v4::loopback(), 0});
    full.listen(0); // one connection fits; the SYNs behind it are dropped
    std::vector<tcp::socket> fillers;
    for (int i = 0; i < 3; ++i) {
        fillers.emplace_back(fixture.loop, tcp::v4());
        fillers.back().async_connect(full.local_endpoint(), [](const boost::system::error_code &) {});
    }
    auto target = target_at(full.local_endpoint().port(), ProbeKind::tcp);
    target.settings.timeout = 50ms;
    const auto result = fixture.first_result(target);
    CHECK(result.outcome == ProbeOutcome::timeout);
    CHECK(result.detail == "no connection within 50 ms");
}

TEST_CASE("TCP probe: open port is sufficient, and no TIME_WAIT remains", "[prober]") {
    ProberFixture fixture;
    ScriptedServer server(fixture.loop,
                          [](tcp::socket &peer) -> Awaitable { co_await wait_until_closed(peer); });
    auto target = target_at(server.port(), ProbeKind::tcp);
    target.settings.interval = 2ms;
    fixture.prober.set_targets({target});
    REQUIRE(fixture.run_until([&] { return fixture.results["fw-1"].size() >= 20; }));
    for (const auto &result : fixture.results["fw-1"])
        CHECK(result.outcome == ProbeOutcome::ok);
    CHECK(time_waits(server.port()) == 0);
}

TEST_CASE("probe: configured source is used", "[prober]") {
    ProberFixture fixture;
    ScriptedServer server(fixture.loop, respond_with("HTTP/1.1 200 OK\r\n\r\n"));
    auto target = target_at(server.port());
    target.source.address = *IpAddress::parse("127.0.0.9");
    target.source.device = "lo";
    CHECK(fixture.first_result(target).outcome == ProbeOutcome::ok);
    REQUIRE_FALSE(server.peers().empty());
    CHECK(server.peers().front().address().to_string() == "127.0.0.9");
}

TEST_CASE("probe: source that the host does not have is named in the error", "[prober]") {
    ProberFixture fixture;
    auto target = target_at(closed_port());
    target.source.address = *IpAddress::parse("192.0.2.1");
    const auto result = fixture.first_result(target);
    CHECK(result.outcome == ProbeOutcome::not_sent);
    CHECK(result.detail.find("192.0.2.1") != std::string::npos);

    target.key = "fw-2";
    target.source = {{}, "no-such-if0", 0};
    CHECK(fixture.first_result(target).detail.find("no-such-if0") != std::string::npos);
}

TEST_CASE("probe: socket has the mark", "[prober]") {
    const auto fd = open_probe_socket(4, {{}, "", 0x5a});
    if (!fd && fd.error().code == EPERM) {
        WARN("skipped: SO_MARK needs CAP_NET_ADMIN");
        return;
    }
    REQUIRE(fd);
    std::uint32_t mark = 0;
    socklen_t size = sizeof(mark);
    REQUIRE(::getsockopt(fd->get(), SOL_SOCKET, SO_MARK, &mark, &size) == 0);
    CHECK(mark == 0x5a);
}

TEST_CASE("probe: IPv6 target", "[prober]") {
    ProberFixture fixture;
    std::string request;
    ScriptedServer server(
        fixture.loop,
        [&](tcp::socket &peer) -> Awaitable {
            request = co_await read_request(peer);
            co_await send(peer, "HTTP/1.1 200 OK\r\n\r\n");
        },
        "::1");
    auto target = target_at(server.port());
    target.address = *IpAddress::parse("::1");
    target.source.address = target.address;
    CHECK(fixture.first_result(target).outcome == ProbeOutcome::ok);
    CHECK(request.find(fmt::format("\r\nHost: [::1]:{}\r\n", server.port())) != request.npos);
}

TEST_CASE("prober: many targets are probed concurrently, each with its own timeout", "[prober]") {
    ProberFixture fixture;
    ScriptedServer unresponsive(fixture.loop,
                                [](tcp::socket &peer) -> Awaitable { co_await wait_until_closed(peer); });
    ScriptedServer good(fixture.loop, respond_with("HTTP/1.1 200 OK\r\n\r\n"));
    std::vector<ProbeTarget> targets;
    for (int i = 0; i < 40; ++i) {
        targets.push_back(target_at(i % 2 ? good.port() : unresponsive.port()));
        targets.back().key = fmt::format("fw-{}", i);
        targets.back().settings.timeout = i % 2 ? 5000ms : 300ms;
    }
    const auto start = std::chrono::steady_clock::now();
    fixture.prober.set_targets(targets);
    REQUIRE(fixture.run_until([&] { return fixture.results.size() == targets.size(); }));
    CHECK(std::chrono::steady_clock::now() - start < 20 * 300ms); // sequential probes would take that long
    for (int i = 0; i < 40; ++i)
        CHECK(fixture.results[fmt::format("fw-{}", i)].front().outcome ==
              (i % 2 ? ProbeOutcome::ok : ProbeOutcome::timeout));
}

TEST_CASE("prober: new targets do not affect unchanged ones, nor their probes in progress", "[prober]") {
    ProberFixture fixture;
    ScriptedServer unresponsive(fixture.loop,
                                [](tcp::socket &peer) -> Awaitable { co_await wait_until_closed(peer); });
    auto unchanged = target_at(unresponsive.port());
    // All three start within the first second, before any of them times out, and long before the next probe.
    unchanged.settings.timeout = 1500ms;
    unchanged.settings.interval = 3000ms;
    auto removed = unchanged, changed = unchanged, added = target_at(closed_port());
    removed.key = "removed";
    changed.key = "changed";
    added.key = "added";
    fixture.prober.set_targets({unchanged, removed, changed});
    REQUIRE(fixture.run_until([&] { return unresponsive.peers().size() == 3; }));

    changed.settings.port = closed_port();
    fixture.prober.set_targets({unchanged, changed, added});
    REQUIRE(fixture.run_until([&] { return !fixture.results["fw-1"].empty(); }));
    CHECK(unresponsive.peers().size() ==
          3); // the result is from the probe in progress; no second one was started
    CHECK(fixture.results["fw-1"].front().outcome == ProbeOutcome::timeout);
    REQUIRE(fixture.run_until(
        [&] { return fixture.results["changed"].size() && fixture.results["added"].size(); }));
    CHECK(fixture.results["changed"].front().outcome == ProbeOutcome::refused);
    CHECK(fixture.results["added"].front().outcome == ProbeOutcome::refused);

    REQUIRE(fixture.run_until([&] { return fixture.results["fw-1"].size() == 2; }));
    CHECK(fixture.results.count("removed") == 0);
}

TEST_CASE("prober: targets without checks are not probed, and a result may change the targets", "[prober]") {
    asio::io_context loop;
    int results = 0;
    std::unique_ptr<Prober> prober;
    prober = std::make_unique<Prober>(loop, [&](const std::string &, const ProbeResult &) {
        ++results;
        prober->set_targets({});
    });
    auto unchecked = target_at(1, ProbeKind::none);
    unchecked.key = "unchecked";
    prober->set_targets({target_at(closed_port()), unchecked});
    loop.run_for(10s); // returns early once there is no work
    CHECK(loop.stopped());
    CHECK(results == 1);
}
