#include "tests/unit/health/little_server.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <fstream>
#include <map>

#include <sys/socket.h>

#include "controller/health/probes/prober.h"

using namespace glb;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

// A loop, a prober on it, and what it reported.
struct Bench {
    asio::io_context loop;
    std::map<std::string, std::vector<ProbeResult>> results;
    Prober prober{loop, [this](const std::string &key, const ProbeResult &r) { results[key].push_back(r); }};

    // Runs the loop until `done`, at most 10 s.
    template <typename Condition>
    bool run_until(Condition done) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (!done() && std::chrono::steady_clock::now() < limit)
            loop.run_one_for(50ms);
        return done();
    }
    ProbeResult first_result(const ProbeTarget &target) {
        prober.set_targets({target});
        REQUIRE(run_until([&] { return !results[target.key].empty(); }));
        return results[target.key].front();
    }
};

ProbeTarget target_at(std::uint16_t port, ProbeKind protocol = ProbeKind::http) {
    ProbeTarget target;
    target.key = "fw-1";
    target.address = *IpAddress::parse("127.0.0.1");
    target.settings.protocol = protocol;
    target.settings.port = port;
    target.settings.interval = 20ms; // also bounds the start's jitter
    target.settings.timeout = 5s;
    return target;
}

LittleServer::Behaviour answers(std::string text) {
    return [text](tcp::socket &peer) -> Nothing {
        co_await read_request(peer);
        co_await send(peer, text);
    };
}

ProbeResult probe(const LittleServer::Behaviour &behaviour, std::chrono::milliseconds timeout = 5s) {
    Bench bench;
    LittleServer server(bench.loop, behaviour);
    auto target = target_at(server.port());
    target.settings.timeout = timeout;
    return bench.first_result(target);
}

void reset_on_close(tcp::socket &peer) {
    peer.set_option(asio::socket_base::linger(true, 0));
}

// A port of 127.0.0.1 that nobody listens on: bound for good, or a test that runs beside this might get it.
std::uint16_t closed_port() {
    static asio::io_context loop;
    static const tcp::socket bound(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    return bound.local_endpoint().port();
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

TEST_CASE("HTTP: the matcher judges the status", "[prober]") {
    const auto ok = probe(answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    CHECK(ok.outcome == ProbeOutcome::ok);
    CHECK(ok.http_status == 200);
    CHECK(ok.round_trip > 0ns);

    const auto mismatch = probe(answers("HTTP/1.1 404 Not Found\r\n\r\n"));
    CHECK(mismatch.outcome == ProbeOutcome::mismatch);
    CHECK(mismatch.http_status == 404);
    CHECK(mismatch.detail == "status 404 is not among 200-399");

    Bench bench;
    LittleServer server(bench.loop, answers("HTTP/1.1 404 Not Found\r\n\r\n"));
    auto target = target_at(server.port());
    target.settings.matcher = *StatusMatcher::parse("404");
    CHECK(bench.first_result(target).outcome == ProbeOutcome::ok);
}

TEST_CASE("HTTP: the request is what the settings say", "[prober]") {
    std::string request;
    Bench bench;
    LittleServer server(bench.loop, [&](tcp::socket &peer) -> Nothing {
        request = co_await read_request(peer);
        co_await send(peer, "HTTP/1.1 200 OK\r\n\r\n");
    });
    auto target = target_at(server.port());
    SECTION("path and host") {
        target.settings.path = "/healthz?deep=1";
        target.settings.host = "fw.example";
        bench.first_result(target);
        CHECK(request.starts_with("GET /healthz?deep=1 HTTP/1.1\r\n"));
        CHECK(request.find("\r\nHost: fw.example\r\n") != request.npos);
    }
    SECTION("the address stands for a missing host") {
        bench.first_result(target);
        CHECK(request.find(fmt::format("\r\nHost: 127.0.0.1:{}\r\n", server.port())) != request.npos);
    }
}

TEST_CASE("HTTP: sloppy answers count", "[prober]") {
    CHECK(probe(answers("HTTP/1.0 200 OK\n\n")).outcome == ProbeOutcome::ok);
    CHECK(probe(answers("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")).http_status == 200);
    CHECK(probe(answers("HTTP/1.1 200 OK\r\n\r\n" + std::string(1 << 20, 'x'))).outcome == ProbeOutcome::ok);
}

TEST_CASE("HTTP: a reset behind the status line changes nothing", "[prober]") {
    for (int i = 0; i < 20; ++i) {
        const auto result = probe([](tcp::socket &peer) -> Nothing {
            co_await read_request(peer);
            co_await send(peer, "HTTP/1.1 200 OK\r\n");
            reset_on_close(peer);
        });
        INFO(result.detail);
        CHECK(result.outcome == ProbeOutcome::ok);
    }
}

TEST_CASE("HTTP: an answer before the request was read, and a close or reset, is an answer", "[prober]") {
    const bool reset = GENERATE(false, true);
    for (int i = 0; i < 20; ++i) {
        const auto result = probe([reset](tcp::socket &peer) -> Nothing {
            co_await send(peer, "HTTP/1.1 200 OK\r\n\r\n");
            if (reset)
                reset_on_close(peer);
        });
        INFO("reset " << reset << ", " << result.detail);
        CHECK(result.outcome == ProbeOutcome::ok);
    }
}

TEST_CASE("HTTP: a status line that comes byte by byte is in time if its end is", "[prober]") {
    const auto slow = [](tcp::socket &peer) -> Nothing {
        co_await read_request(peer);
        const std::string answer = "HTTP/1.1 200 OK\n";
        for (const char c : answer) {
            const std::string byte(1, c);
            co_await send(peer, byte);
            co_await linger_for(peer, 10ms);
        }
        co_await until_gone(peer);
    };
    CHECK(probe(slow).outcome == ProbeOutcome::ok);
    const auto late = probe(slow, 80ms);
    CHECK(late.outcome == ProbeOutcome::timeout);
    CHECK(late.detail == "connected, but no whole status line within 80 ms");
}

TEST_CASE("HTTP: garbage, silence and a close without answer are failures that say so", "[prober]") {
    const auto garbage = probe([](tcp::socket &peer) -> Nothing {
        co_await send(peer, "SSH-2.0-OpenSSH_9.2");
        co_await until_gone(peer);
    });
    CHECK(garbage.outcome == ProbeOutcome::error);
    CHECK(garbage.detail == "the answer is not HTTP");

    const auto cut = probe(answers("HTTP/1.1 200 O"));
    CHECK(cut.outcome == ProbeOutcome::error);
    CHECK(cut.detail == "closed before a whole status line");

    const auto silent = probe([](tcp::socket &peer) -> Nothing { co_await until_gone(peer); }, 50ms);
    CHECK(silent.outcome == ProbeOutcome::timeout);
    CHECK(silent.round_trip >= 50ms);
}

TEST_CASE("a closed port is refused", "[prober]") {
    const auto protocol = GENERATE(ProbeKind::tcp, ProbeKind::http);
    Bench bench;
    const auto result = bench.first_result(target_at(closed_port(), protocol));
    CHECK(result.outcome == ProbeOutcome::refused);
    CHECK(result.detail == "connect: Connection refused");
}

TEST_CASE("a peer that never completes the handshake times out", "[prober]") {
    Bench bench;
    tcp::acceptor full(bench.loop, tcp::v4());
    full.bind({asio::ip::address_v4::loopback(), 0});
    full.listen(0); // one connection fits; the SYNs behind it are dropped
    std::vector<tcp::socket> fillers;
    for (int i = 0; i < 3; ++i) {
        fillers.emplace_back(bench.loop, tcp::v4());
        fillers.back().async_connect(full.local_endpoint(), [](const boost::system::error_code &) {});
    }
    auto target = target_at(full.local_endpoint().port(), ProbeKind::tcp);
    target.settings.timeout = 50ms;
    const auto result = bench.first_result(target);
    CHECK(result.outcome == ProbeOutcome::timeout);
    CHECK(result.detail == "no connection within 50 ms");
}

TEST_CASE("TCP: an open port is enough, and no TIME_WAIT stays behind", "[prober]") {
    Bench bench;
    LittleServer server(bench.loop, [](tcp::socket &peer) -> Nothing { co_await until_gone(peer); });
    auto target = target_at(server.port(), ProbeKind::tcp);
    target.settings.interval = 2ms;
    bench.prober.set_targets({target});
    REQUIRE(bench.run_until([&] { return bench.results["fw-1"].size() >= 20; }));
    for (const auto &result : bench.results["fw-1"])
        CHECK(result.outcome == ProbeOutcome::ok);
    CHECK(time_waits(server.port()) == 0);
}

TEST_CASE("probes come from the given source", "[prober]") {
    Bench bench;
    LittleServer server(bench.loop, answers("HTTP/1.1 200 OK\r\n\r\n"));
    auto target = target_at(server.port());
    target.source.address = *IpAddress::parse("127.0.0.9");
    target.source.device = "lo";
    CHECK(bench.first_result(target).outcome == ProbeOutcome::ok);
    REQUIRE_FALSE(server.peers().empty());
    CHECK(server.peers().front().address().to_string() == "127.0.0.9");
}

TEST_CASE("a source that the machine does not have is an error that names it", "[prober]") {
    Bench bench;
    auto target = target_at(closed_port());
    target.source.address = *IpAddress::parse("192.0.2.1");
    const auto result = bench.first_result(target);
    CHECK(result.outcome == ProbeOutcome::error);
    CHECK(result.detail.find("192.0.2.1") != std::string::npos);

    target.key = "fw-2";
    target.source = {{}, "no-such-if0", 0};
    CHECK(bench.first_result(target).detail.find("no-such-if0") != std::string::npos);
}

TEST_CASE("the socket carries the mark", "[prober]") {
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

TEST_CASE("IPv6 targets are probed", "[prober]") {
    Bench bench;
    std::string request;
    LittleServer server(
        bench.loop,
        [&](tcp::socket &peer) -> Nothing {
            request = co_await read_request(peer);
            co_await send(peer, "HTTP/1.1 200 OK\r\n\r\n");
        },
        "::1");
    auto target = target_at(server.port());
    target.address = *IpAddress::parse("::1");
    target.source.address = target.address;
    CHECK(bench.first_result(target).outcome == ProbeOutcome::ok);
    CHECK(request.find(fmt::format("\r\nHost: [::1]:{}\r\n", server.port())) != request.npos);
}

TEST_CASE("many targets are probed side by side, each with its own timeout", "[prober]") {
    Bench bench;
    LittleServer silent(bench.loop, [](tcp::socket &peer) -> Nothing { co_await until_gone(peer); });
    LittleServer good(bench.loop, answers("HTTP/1.1 200 OK\r\n\r\n"));
    std::vector<ProbeTarget> targets;
    for (int i = 0; i < 40; ++i) {
        targets.push_back(target_at(i % 2 ? good.port() : silent.port()));
        targets.back().key = fmt::format("fw-{}", i);
        targets.back().settings.timeout = i % 2 ? 5000ms : 300ms;
    }
    const auto start = std::chrono::steady_clock::now();
    bench.prober.set_targets(targets);
    REQUIRE(bench.run_until([&] { return bench.results.size() == targets.size(); }));
    CHECK(std::chrono::steady_clock::now() - start < 20 * 300ms); // one after the other would take that
    for (int i = 0; i < 40; ++i)
        CHECK(bench.results[fmt::format("fw-{}", i)].front().outcome ==
              (i % 2 ? ProbeOutcome::ok : ProbeOutcome::timeout));
}

TEST_CASE("new targets leave unchanged ones undisturbed, the probe under way included", "[prober]") {
    Bench bench;
    LittleServer silent(bench.loop, [](tcp::socket &peer) -> Nothing { co_await until_gone(peer); });
    auto kept = target_at(silent.port());
    // All three begin within the first second, before any of them times out; and the next probe is far off
    // when the first results are looked at.
    kept.settings.timeout = 1500ms;
    kept.settings.interval = 3000ms;
    auto gone = kept, changed = kept, added = target_at(closed_port());
    gone.key = "gone";
    changed.key = "changed";
    added.key = "added";
    bench.prober.set_targets({kept, gone, changed});
    REQUIRE(bench.run_until([&] { return silent.peers().size() == 3; }));

    changed.settings.port = closed_port();
    bench.prober.set_targets({kept, changed, added});
    REQUIRE(bench.run_until([&] { return !bench.results["fw-1"].empty(); }));
    CHECK(silent.peers().size() == 3); // the probe under way gave the result; no second one was begun for it
    CHECK(bench.results["fw-1"].front().outcome == ProbeOutcome::timeout);
    REQUIRE(
        bench.run_until([&] { return bench.results["changed"].size() && bench.results["added"].size(); }));
    CHECK(bench.results["changed"].front().outcome == ProbeOutcome::refused);
    CHECK(bench.results["added"].front().outcome == ProbeOutcome::refused);

    REQUIRE(bench.run_until([&] { return bench.results["fw-1"].size() == 2; }));
    CHECK(bench.results.count("gone") == 0);
}

TEST_CASE("targets without checks are not probed, and results may change the targets", "[prober]") {
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
    loop.run_for(10s); // ends by itself, for nothing is left to be done
    CHECK(loop.stopped());
    CHECK(results == 1);
}
