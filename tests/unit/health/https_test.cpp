// HTTPS probes against a real TLS server on loopback.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>

#include <unistd.h>

#include "controller/health/probes/prober.h"
#include "tests/unit/health/tls_server.h"

using namespace glb;
using namespace glb::health;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

const std::string ok_response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

struct HttpsFixture {
    asio::io_context loop;
    std::map<std::string, std::vector<ProbeResult>> results;
    Prober prober{loop, [this](const std::string &key, const ProbeResult &r) { results[key].push_back(r); }};

    std::vector<ProbeResult> probe(const ProbeTarget &target, std::size_t times = 1) {
        prober.set_targets({target});
        const auto limit = std::chrono::steady_clock::now() + 20s;
        while (results[target.key].size() < times && std::chrono::steady_clock::now() < limit)
            loop.run_one_for(50ms);
        REQUIRE(results[target.key].size() >= times);
        return results[target.key];
    }
};

ProbeTarget https_target(std::uint16_t port) {
    ProbeTarget target;
    target.key = "fw-1";
    target.address = *IpAddress::parse("127.0.0.1");
    target.settings.protocol = ProbeKind::https;
    target.settings.port = port;
    target.settings.interval = 20ms;
    target.settings.timeout = 5s;
    return target;
}

class CaFile {
  public:
    explicit CaFile(const Certificate &certificate)
        : path_(std::filesystem::temp_directory_path() / ("glb-ca-" + std::to_string(::getpid()) + ".pem")) {
        std::ofstream(path_) << certificate.certificate;
    }
    ~CaFile() { std::filesystem::remove(path_); }
    CaFile(const CaFile &) = delete;
    CaFile &operator=(const CaFile &) = delete;
    [[nodiscard]] std::string path() const { return path_; }

  private:
    std::filesystem::path path_;
};

} // namespace

TEST_CASE("HTTPS probe: TLS 1.2 and 1.3 without verification, sessions are resumed", "[https]") {
    const auto version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    HttpsFixture fixture;
    TlsServer server(fixture.loop, self_signed("DNS:other.example"), ok_response, version);
    auto target = https_target(server.port());
    target.settings.path = "/up";
    target.settings.host = "fw.example";
    const auto results = fixture.probe(target, 4);
    for (const auto &result : results) {
        INFO(result.detail);
        CHECK(result.outcome == ProbeOutcome::ok);
        CHECK(result.http_status == 200);
    }
    REQUIRE(server.connections().size() >= 4);
    for (std::size_t i = 0; i < 4; ++i) {
        const auto &connection = server.connections()[i];
        CHECK(connection.version == (version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"));
        CHECK(connection.resumed == (i > 0));
        if (i == 0) // OpenSSL does not report it for resumed sessions of TLS 1.2
            CHECK(connection.server_name == "fw.example");
        CHECK(connection.request.starts_with("GET /up HTTP/1.1\r\nHost: fw.example\r\n"));
    }
}

TEST_CASE("HTTPS probe: status is matched, reset after the response is ignored", "[https]") {
    HttpsFixture fixture;
    TlsServer server(fixture.loop, self_signed(), "HTTP/1.1 404 Not Found\n\n", TLS1_3_VERSION, true);
    const auto result = fixture.probe(https_target(server.port())).front();
    CHECK(result.outcome == ProbeOutcome::mismatch);
    CHECK(result.http_status == 404);
    // Without a name the Host header has the address.
    CHECK(server.connections().front().server_name.empty());
    CHECK(server.connections().front().request.find("Host: 127.0.0.1:") != std::string::npos);
}

TEST_CASE("HTTPS probe: chain and name are verified with caFile", "[https]") {
    const auto certificate = self_signed();
    const CaFile file(certificate);
    HttpsFixture fixture;
    TlsServer server(fixture.loop, certificate, ok_response);
    auto target = https_target(server.port());
    target.settings.ca_file = file.path();
    SECTION("the name") {
        target.settings.host = "fw.example";
        CHECK(fixture.probe(target).front().outcome == ProbeOutcome::ok);
    }
    SECTION("the address without a name") {
        CHECK(fixture.probe(target).front().outcome == ProbeOutcome::ok);
    }
    SECTION("another name") {
        target.settings.host = "other.example";
        const auto result = fixture.probe(target).front();
        CHECK(result.outcome == ProbeOutcome::error);
        CHECK(result.detail == "TLS handshake: hostname mismatch");
    }
    SECTION("another address") {
        target.settings.host = "192.0.2.1";
        CHECK(fixture.probe(target).front().outcome == ProbeOutcome::error);
    }
}

TEST_CASE("HTTPS probe: unknown CA is rejected, unreadable caFile is named", "[https]") {
    const CaFile file(self_signed());
    HttpsFixture fixture;
    TlsServer server(fixture.loop, self_signed(), ok_response);
    auto target = https_target(server.port());
    target.settings.ca_file = file.path();
    const auto result = fixture.probe(target).front();
    CHECK(result.outcome == ProbeOutcome::error);
    CHECK(result.detail.starts_with("TLS handshake: self"));

    target.key = "fw-2";
    target.settings.ca_file = "/does/not/exist.pem";
    CHECK(fixture.probe(target).front().detail.find("/does/not/exist.pem") != std::string::npos);
}

TEST_CASE("HTTPS probe: port without TLS and unresponsive port are failures with a description", "[https]") {
    HttpsFixture fixture;
    ScriptedServer plain(fixture.loop, [](tcp::socket &peer) -> Awaitable {
        co_await send(peer, "HTTP/1.1 200 OK\r\n\r\n");
        co_await wait_until_closed(peer);
    });
    const auto garbage = fixture.probe(https_target(plain.port())).front();
    CHECK(garbage.outcome == ProbeOutcome::error);
    CHECK(garbage.detail.starts_with("TLS handshake: "));

    ScriptedServer unresponsive(fixture.loop,
                                [](tcp::socket &peer) -> Awaitable { co_await wait_until_closed(peer); });
    auto target = https_target(unresponsive.port());
    target.key = "fw-2";
    target.settings.timeout = 60ms;
    const auto result = fixture.probe(target).front();
    CHECK(result.outcome == ProbeOutcome::timeout);
    CHECK(result.round_trip >= 60ms);
}
