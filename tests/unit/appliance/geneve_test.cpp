#include <random>

#include <catch2/catch.hpp>

#include "appliance/geneve.h"
#include "tests/harness/golden.h"
#include "tests/harness/packet.h"

namespace glb::test {
namespace {

using appliance::Counter;
using appliance::parse_geneve;

/// The UDP payload of the golden packet, without outer IPv4 and UDP headers.
Bytes golden_payload() {
    const auto packet = golden_out();
    return {packet.begin() + 28, packet.end()};
}

Bytes with(std::vector<GeneveOption> options, Bytes inner = IPv4{} / Udp{} / Payload("hi")) {
    Geneve geneve{.options = std::move(options)};
    geneve.eth_proto = 0x0800;
    return geneve / Payload(std::move(inner));
}

std::string verdict(const Bytes &payload) {
    const auto parsed = parse_geneve(payload);
    return parsed ? "accepted"
                  : std::string(appliance::counter_names[static_cast<std::size_t>(parsed.error())]);
}

TEST_CASE("geneve: the golden packet is accepted, with its three values") {
    const auto payload = golden_payload();
    const auto parsed = parse_geneve(payload);
    REQUIRE(parsed);
    CHECK(parsed->endpoint == golden_endpoint);
    CHECK(parsed->attachment == 0);
    CHECK(parsed->cookie == golden_cookie);
    CHECK(parsed->header.size() == 40);
    CHECK(Bytes(parsed->inner.begin(), parsed->inner.end()) == Bytes(payload.begin() + 40, payload.end()));
}

TEST_CASE("geneve: the golden packet truncated at any byte is rejected") {
    const auto payload = golden_payload();
    for (std::size_t length = 0; length < payload.size(); ++length) {
        INFO("length " << length);
        CHECK_FALSE(parse_geneve(Bytes(payload.begin(), payload.begin() + length)));
    }
}

TEST_CASE("geneve: padding after the inner packet is trimmed") {
    auto payload = golden_payload();
    payload.resize(payload.size() + 18, 0xff);
    const auto parsed = parse_geneve(payload);
    REQUIRE(parsed);
    CHECK(parsed->inner.size() == 30);
}

TEST_CASE("geneve: errors of the fixed header have their counters") {
    auto payload = golden_payload();
    SECTION("version 1") {
        payload[0] |= 0x40;
        CHECK(verdict(payload) == "geneve_version");
    }
    SECTION("control packet") {
        payload[1] |= 0x80;
        CHECK(verdict(payload) == "geneve_control");
    }
    SECTION("inner Ethernet") {
        payload[2] = 0x65, payload[3] = 0x58;
        CHECK(verdict(payload) == "geneve_protocol");
    }
    SECTION("options longer than the packet") {
        payload[0] = 63;
        CHECK(verdict(payload) == "geneve_short");
    }
    SECTION("IPv6 announced, IPv4 inside") {
        payload[2] = 0x86, payload[3] = 0xdd;
        CHECK(verdict(payload) == "inner_malformed");
    }
    SECTION("an inner packet longer than the received bytes") {
        payload[40 + 3] = 31;
        CHECK(verdict(payload) == "inner_malformed");
    }
}

TEST_CASE("geneve: options may be in any order, unknown ones are skipped") {
    auto options = aws_options(7, 8, 9);
    std::swap(options[0], options[2]);
    options.insert(options.begin() + 1, GeneveOption{0x0132, 1, Bytes(12), {}});
    const auto payload = with(options);
    const auto parsed = parse_geneve(payload);
    REQUIRE(parsed);
    CHECK(parsed->endpoint == 7);
    CHECK(parsed->attachment == 8);
    CHECK(parsed->cookie == 9);
    CHECK(parsed->header.size() == 56);
}

TEST_CASE("geneve: options of up to 252 bytes") {
    auto options = aws_options(7, 8, 9);
    options.push_back({0x0132, 1, Bytes(124), {}});
    options.push_back({0x0132, 2, Bytes(88), {}});
    const auto payload = with(options);
    const auto parsed = parse_geneve(payload);
    REQUIRE(parsed);
    CHECK(parsed->header.size() == 260);
    CHECK(parsed->header.size() <= appliance::geneve_max_length);
}

TEST_CASE("geneve: invalid options have their counters") {
    auto options = aws_options(7, 8, 9);
    SECTION("one missing") {
        options.erase(options.begin() + GENERATE(0, 1, 2));
        CHECK(verdict(with(options)) == "geneve_missing");
    }
    SECTION("one twice") {
        options.push_back(options[static_cast<std::size_t>(GENERATE(0, 1, 2))]);
        CHECK(verdict(with(options)) == "geneve_options");
    }
    SECTION("a wrong length") {
        options[static_cast<std::size_t>(GENERATE(0, 1, 2))].value.resize(12);
        CHECK(verdict(with(options)) == "geneve_options");
    }
    SECTION("a length beyond the header's") {
        options[2].words = 31;
        CHECK(verdict(with(options)) == "geneve_options");
    }
    SECTION("a type with the critical bit is another type") {
        options[2].option_type |= 0x80;
        CHECK(verdict(with(options)) == "geneve_critical");
    }
}

TEST_CASE("geneve: random bytes never crash the parser, results are within the input") {
    std::mt19937 random(20240901); // fixed, for reproducibility
    const auto golden = golden_payload();
    std::size_t accepted = 0;
    for (int round = 0; round < 100'000; ++round) {
        Bytes bytes(random() % 120);
        std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
        if (round % 2 == 0) { // half of them: the golden packet with modified bytes
            bytes = golden;
            for (auto changes = random() % 4; changes > 0; --changes)
                bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
            bytes.resize(bytes.size() - random() % 3);
        }
        const auto parsed = parse_geneve(bytes);
        (void)appliance::flow_key(1, bytes);
        if (!parsed)
            continue;
        ++accepted;
        REQUIRE(parsed->header.data() == bytes.data());
        REQUIRE(parsed->header.size() + parsed->inner.size() <= bytes.size());
        REQUIRE(appliance::flow_key(parsed->endpoint, parsed->inner));
    }
    CHECK(accepted > 1000);
}

} // namespace
} // namespace glb::test
