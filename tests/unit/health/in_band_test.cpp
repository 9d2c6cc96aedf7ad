// In-band probes: their bytes, and how an answer is told from a stranger's.
#include <catch2/catch.hpp>

#include <cstring>
#include <map>
#include <set>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "abi/config.h"
#include "controller/health/probes/in_band_prober.h"

using namespace glb;
using namespace std::chrono_literals;
using Outcome = InBandResult::Outcome;

namespace {

const InBandInner kInner{*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.2"), 7};
const IpAddress kLoopback = *IpAddress::parse("127.0.0.1");

std::uint32_t sum_words(const std::uint8_t *bytes, std::size_t size, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < size; i += 2)
        sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/// An appliance on loopback: takes probes, and tells their nonces.
class FakeAppliance {
  public:
    FakeAppliance() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr *>(&at), size) == 0);
        REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr *>(&at), &size) == 0);
        port_ = ntohs(at.sin_port);
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    std::optional<std::uint64_t> take() {
        std::array<std::uint8_t, 256> bytes;
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const auto got =
            ::recvfrom(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr *>(&from), &size);
        if (got != static_cast<ssize_t>(kInBandBytes))
            return std::nullopt;
        sources.insert(ntohs(from.sin_port));
        std::uint64_t nonce;
        std::memcpy(&nonce, bytes.data() + kInBandBytes - 8, 8);
        return nonce;
    }
    std::set<std::uint16_t> sources;

  private:
    Fd fd_;
    std::uint16_t port_ = 0;
};

struct Bench {
    boost::asio::io_context loop;
    std::map<std::string, std::vector<InBandResult>> results;
    InBandProber prober{loop,
                        [this](const std::string &key, const InBandResult &r) { results[key].push_back(r); }};
    FakeAppliance appliance;

    InBandTarget target(const std::string &key = "g/a") {
        return {key, kLoopback, appliance.port(), kInner, 40ms, 20ms};
    }
    template <typename Condition>
    bool run_until(Condition done) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        bool reached = false;
        while (!(reached = done()) && std::chrono::steady_clock::now() < limit)
            loop.run_one_for(2ms);
        return reached;
    }
    std::uint64_t next_nonce() {
        std::optional<std::uint64_t> nonce;
        REQUIRE(run_until([&] { return (nonce = appliance.take()).has_value(); }));
        return *nonce;
    }
};

} // namespace

TEST_CASE("in-band: the bytes are what the wire format says, and their checksums are right", "[in-band]") {
    const auto packet = in_band_packet(kInner, 0x1122334455667788);
    // GENEVE, byte by byte; endpoint "glbprobe".
    const std::array<std::uint8_t, 40> geneve = {0x08, 0,   8,   0,   0,   0,   0, 0, 1, 8, 1, 2, 'g', 'l',
                                                 'b',  'p', 'r', 'o', 'b', 'e', 1, 8, 2, 2, 0, 0, 0,   0,
                                                 0,    0,   0,   0,   1,   8,   3, 1, 0, 0, 0, 0};
    CHECK(std::memcmp(packet.data(), geneve.data(), geneve.size()) == 0);
    const auto *ip = packet.data() + 40;
    CHECK(ip[0] == 0x45);
    CHECK((ip[2] << 8 | ip[3]) == 44);
    CHECK(sum_words(ip, 20) == 0xffff);
    const std::array<std::uint8_t, 8> addresses = {192, 0, 2, 1, 192, 0, 2, 2};
    CHECK(std::memcmp(ip + 12, addresses.data(), 8) == 0);
    const auto *udp = ip + 20;
    CHECK((udp[2] << 8 | udp[3]) == 7);
    CHECK((udp[4] << 8 | udp[5]) == 24);
    CHECK(sum_words(udp, 24, sum_words(ip + 12, 8, 17 + 24)) == 0xffff);
    glb_in_band payload;
    std::memcpy(&payload, udp + 8, sizeof payload);
    CHECK(be64toh(payload.magic) == GLB_IN_BAND_MAGIC);
    CHECK(payload.nonce == 0x1122334455667788);
}

TEST_CASE("in-band: an answer is known by its nonce, and comes from entropy ports in turn", "[in-band]") {
    Bench bench;
    bench.prober.set_targets({bench.target()}, kLoopback);
    std::set<std::uint64_t> nonces;
    for (int i = 0; i < 8; ++i) {
        const auto nonce = bench.next_nonce();
        nonces.insert(nonce);
        bench.prober.on_event(kLoopback, nonce);
    }
    const auto &results = bench.results["g/a"];
    REQUIRE(results.size() == 8);
    for (const auto &result : results) {
        CHECK(result.outcome == Outcome::answered);
        CHECK(result.periodic);
        CHECK(result.round_trip > 0ns);
    }
    CHECK(nonces.size() == 8);
    CHECK(bench.appliance.sources.size() == 4);
    CHECK(*bench.appliance.sources.begin() >= 0xc000);
}

TEST_CASE("in-band: silence is reported once its time is over, and a late answer is none", "[in-band]") {
    Bench bench;
    bench.prober.set_targets({bench.target()}, kLoopback);
    const auto nonce = bench.next_nonce();
    REQUIRE(bench.run_until([&] { return !bench.results["g/a"].empty(); }));
    CHECK(bench.results["g/a"].front().outcome == Outcome::silent);
    CHECK(bench.results["g/a"].front().round_trip >= 20ms);
    bench.prober.on_event(kLoopback, nonce);
    CHECK(bench.results["g/a"].size() == 1);
}

TEST_CASE("in-band: a wrong nonce, another's address and a second copy are no answers", "[in-band]") {
    Bench bench;
    auto target = bench.target();
    target.timeout = 30ms;
    bench.prober.set_targets({target}, kLoopback);
    const auto nonce = bench.next_nonce();
    bench.prober.on_event(kLoopback, nonce + 1);
    bench.prober.on_event(*IpAddress::parse("127.0.0.2"), nonce);
    CHECK(bench.results["g/a"].empty());
    bench.prober.on_event(kLoopback, nonce);
    bench.prober.on_event(kLoopback, nonce);
    CHECK(bench.results["g/a"].size() == 1);
}

TEST_CASE("in-band: a suspect is asked at once, beside the periodic probes, with the same care",
          "[in-band]") {
    Bench bench;
    auto target = bench.target();
    target.interval = 10s;
    target.timeout = 5s;
    bench.prober.set_targets({target}, kLoopback);
    REQUIRE(bench.prober.ask("g/a"));
    const auto nonce = bench.next_nonce();
    bench.prober.on_event(*IpAddress::parse("127.0.0.2"), nonce);
    CHECK(bench.results["g/a"].empty());
    bench.prober.on_event(kLoopback, nonce);
    bench.prober.on_event(kLoopback, nonce);
    REQUIRE(bench.results["g/a"].size() == 1);
    CHECK_FALSE(bench.results["g/a"].front().periodic);
    CHECK_FALSE(bench.prober.ask("g/b"));
}

TEST_CASE("in-band: what cannot be sent is said, and is not silence", "[in-band]") {
    Bench bench;
    bench.prober.set_targets({bench.target()}, *IpAddress::parse("192.0.2.77"));
    REQUIRE(bench.run_until([&] { return !bench.results["g/a"].empty(); }));
    CHECK(bench.results["g/a"].front().outcome == Outcome::unsent);
    CHECK(bench.results["g/a"].front().detail.find("192.0.2.77") != std::string::npos);
    CHECK_FALSE(bench.prober.ask("g/a"));
}

TEST_CASE("in-band: targets that are gone are forgotten; equal rows go on undisturbed", "[in-band]") {
    Bench bench;
    auto target = bench.target();
    target.timeout = 30ms;
    bench.prober.set_targets({target}, kLoopback);
    const auto nonce = bench.next_nonce();
    bench.prober.set_targets({target}, kLoopback);
    bench.prober.on_event(kLoopback, nonce);
    CHECK(bench.results["g/a"].size() == 1);
    const auto other = bench.next_nonce();
    bench.prober.set_targets({}, kLoopback);
    bench.prober.on_event(kLoopback, other);
    bench.loop.run_for(60ms);
    CHECK(bench.results["g/a"].size() == 1);
}

TEST_CASE("in-band: hundreds of targets on one loop, each heard for itself", "[in-band]") {
    Bench bench;
    std::vector<InBandTarget> targets;
    for (int i = 0; i < 300; ++i)
        targets.push_back(bench.target("g/" + std::to_string(i)));
    for (auto &target : targets)
        target.interval = target.timeout = 200ms;
    bench.prober.set_targets(targets, kLoopback);
    REQUIRE(bench.run_until([&] {
        while (const auto nonce = bench.appliance.take())
            bench.prober.on_event(kLoopback, *nonce);
        return bench.results.size() == 300;
    }));
    for (const auto &[key, results] : bench.results)
        CHECK(results.front().outcome == Outcome::answered);
}
