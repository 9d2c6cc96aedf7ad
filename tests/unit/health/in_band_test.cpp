// In-band probes: packet format, and matching of answers.
#include <catch2/catch.hpp>

#include <cstring>
#include <map>
#include <set>

#include "abi/config.h"
#include "controller/health/probes/in_band_prober.h"
#include "tests/unit/health/fake_appliance.h"

using namespace glb;
using glb::test::FakeAppliance;
using namespace std::chrono_literals;
using Outcome = health::InBandResult::Outcome;

namespace {

const health::InBandInner test_inner{*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.2"), 7};
const IpAddress loopback = *IpAddress::parse("127.0.0.1");

std::uint32_t sum_words(const std::uint8_t *bytes, std::size_t size, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < size; i += 2)
        sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

struct InBandFixture {
    boost::asio::io_context loop;
    std::map<std::string, std::vector<health::InBandResult>> results;
    health::InBandProber prober{
        loop, [this](const std::string &key, const health::InBandResult &r) { results[key].push_back(r); }};
    FakeAppliance appliance;

    health::InBandTarget target(const std::string &key = "g/a") {
        return {key, loopback, appliance.port(), test_inner, 40ms, 20ms};
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
        REQUIRE(run_until([&] { return (nonce = appliance.receive()).has_value(); }));
        return *nonce;
    }
};

} // namespace

TEST_CASE("in-band probe: packet has the wire format and valid checksums", "[in-band]") {
    const auto packet = health::in_band_packet(test_inner, 0x1122334455667788);
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

TEST_CASE("in-band probe: answers are matched by nonce, source ports alternate in the entropy range",
          "[in-band]") {
    InBandFixture fixture;
    fixture.prober.set_targets({fixture.target()}, loopback);
    std::set<std::uint64_t> nonces;
    for (int i = 0; i < 8; ++i) {
        const auto nonce = fixture.next_nonce();
        nonces.insert(nonce);
        fixture.prober.on_event(loopback, nonce);
    }
    const auto &results = fixture.results["g/a"];
    REQUIRE(results.size() == 8);
    for (const auto &result : results) {
        CHECK(result.outcome == Outcome::answered);
        CHECK(result.periodic);
        CHECK(result.round_trip > 0ns);
    }
    CHECK(nonces.size() == 8);
    CHECK(fixture.appliance.sources.size() == 4);
    CHECK(*fixture.appliance.sources.begin() >= 0xc000);
}

TEST_CASE("in-band probe: unanswered after its timeout, late answer is ignored", "[in-band]") {
    InBandFixture fixture;
    fixture.prober.set_targets({fixture.target()}, loopback);
    const auto nonce = fixture.next_nonce();
    REQUIRE(fixture.run_until([&] { return !fixture.results["g/a"].empty(); }));
    CHECK(fixture.results["g/a"].front().outcome == Outcome::unanswered);
    CHECK(fixture.results["g/a"].front().round_trip >= 20ms);
    fixture.prober.on_event(loopback, nonce);
    CHECK(fixture.results["g/a"].size() == 1);
}

TEST_CASE("in-band probe: wrong nonce, other sender and duplicate are ignored", "[in-band]") {
    InBandFixture fixture;
    auto target = fixture.target();
    target.timeout = 30ms;
    fixture.prober.set_targets({target}, loopback);
    const auto nonce = fixture.next_nonce();
    fixture.prober.on_event(loopback, nonce + 1);
    fixture.prober.on_event(*IpAddress::parse("127.0.0.2"), nonce);
    CHECK(fixture.results["g/a"].empty());
    fixture.prober.on_event(loopback, nonce);
    fixture.prober.on_event(loopback, nonce);
    CHECK(fixture.results["g/a"].size() == 1);
}

TEST_CASE("in-band probe: immediate probe in addition to periodic ones, with the same checks", "[in-band]") {
    InBandFixture fixture;
    auto target = fixture.target();
    target.interval = 10s;
    target.timeout = 5s;
    fixture.prober.set_targets({target}, loopback);
    REQUIRE(fixture.prober.probe_now("g/a"));
    const auto nonce = fixture.next_nonce();
    fixture.prober.on_event(*IpAddress::parse("127.0.0.2"), nonce);
    CHECK(fixture.results["g/a"].empty());
    fixture.prober.on_event(loopback, nonce);
    fixture.prober.on_event(loopback, nonce);
    REQUIRE(fixture.results["g/a"].size() == 1);
    CHECK_FALSE(fixture.results["g/a"].front().periodic);
    CHECK_FALSE(fixture.prober.probe_now("g/b"));
}

TEST_CASE("in-band probe: send failure is reported as unsent", "[in-band]") {
    InBandFixture fixture;
    fixture.prober.set_targets({fixture.target()}, *IpAddress::parse("192.0.2.77"));
    REQUIRE(fixture.run_until([&] { return !fixture.results["g/a"].empty(); }));
    CHECK(fixture.results["g/a"].front().outcome == Outcome::unsent);
    CHECK(fixture.results["g/a"].front().detail.find("192.0.2.77") != std::string::npos);
    CHECK_FALSE(fixture.prober.probe_now("g/a"));
}

TEST_CASE("in-band prober: removed targets are dropped, unchanged ones are not affected", "[in-band]") {
    InBandFixture fixture;
    auto target = fixture.target();
    target.timeout = 30ms;
    fixture.prober.set_targets({target}, loopback);
    const auto nonce = fixture.next_nonce();
    fixture.prober.set_targets({target}, loopback);
    fixture.prober.on_event(loopback, nonce);
    CHECK(fixture.results["g/a"].size() == 1);
    const auto other = fixture.next_nonce();
    fixture.prober.set_targets({}, loopback);
    fixture.prober.on_event(loopback, other);
    fixture.loop.run_for(60ms);
    CHECK(fixture.results["g/a"].size() == 1);
}

TEST_CASE("in-band prober: hundreds of targets on one loop", "[in-band]") {
    InBandFixture fixture;
    std::vector<health::InBandTarget> targets;
    for (int i = 0; i < 300; ++i)
        targets.push_back(fixture.target("g/" + std::to_string(i)));
    for (auto &target : targets)
        target.interval = target.timeout = 200ms;
    fixture.prober.set_targets(targets, loopback);
    REQUIRE(fixture.run_until([&] {
        while (const auto nonce = fixture.appliance.receive())
            fixture.prober.on_event(loopback, *nonce);
        return fixture.results.size() == 300;
    }));
    for (const auto &[key, results] : fixture.results)
        CHECK(results.front().outcome == Outcome::answered);
}
