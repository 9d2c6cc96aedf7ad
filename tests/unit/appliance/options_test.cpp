#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <catch2/catch.hpp>

#include "appliance/options.h"

using namespace glb;
using namespace glb::appliance;

namespace {

/// The options of a command line, or the error message.
Result<Options> parse_options(std::vector<std::string> argv) {
    Arguments arguments;
    CLI::App app;
    arguments.add_to(app);
    std::ranges::reverse(argv); // CLI11 expects reverse order
    try {
        app.parse(argv);
    } catch (const CLI::ParseError &error) {
        return fail("{}", error.what());
    }
    return arguments.checked();
}

std::string error_of(const std::vector<std::string> &argv) {
    const auto options = parse_options(argv);
    return options ? "accepted" : options.error().message;
}

} // namespace

TEST_CASE("options: defaults are AWS's port and health port") {
    const auto options = parse_options({});
    REQUIRE(options);
    CHECK(options->listen.address == 0);
    CHECK(options->listen.port == htons(6081));
    CHECK(options->health == "0.0.0.0:80");
    CHECK(options->threads >= 1);
    CHECK_FALSE(options->reflect);
}

TEST_CASE("options: all are read, repeated ones are collected") {
    const auto options = parse_options({"--listen", "10.0.1.20:7000", "--endpoint", "vpce-02b8ee1d4db0c51c4",
                                        "--endpoint", "vpce-00000000000000001", "--endpoint",
                                        "vpce-00000000000000001", "--node", "10.0.1.10", "--health", "none",
                                        "--fault", "silent", "--threads", "3", "--listed-only"});
    REQUIRE(options);
    CHECK(options->listen.address == inet_addr("10.0.1.20"));
    CHECK(options->listen.port == htons(7000));
    CHECK(options->endpoints == std::vector<std::uint64_t>{0x2b8ee1d4db0c51c4u, 1});
    CHECK(options->nodes == std::set<std::uint32_t>{inet_addr("10.0.1.10")});
    CHECK_FALSE(options->health);
    CHECK(options->fault == Fault::silent);
    CHECK(options->threads == 3);
    CHECK(options->listed_only);
}

TEST_CASE("options: errors name the option") {
    using Catch::Matchers::Contains;
    CHECK_THAT(error_of({"--listen", "6081"}), Contains("--listen"));
    CHECK_THAT(error_of({"--listen", "10.0.0.1:0"}), Contains("--listen"));
    CHECK_THAT(error_of({"--listen", "[2001:db8::1]:6081"}), Contains("--listen"));
    CHECK_THAT(error_of({"--endpoint", "branch"}), Contains("--endpoint"));
    CHECK_THAT(error_of({"--node", "2001:db8::1"}), Contains("--node"));
    CHECK_THAT(error_of({"--listed-only"}), Contains("--listed-only"));
    CHECK_THAT(error_of({"--reflect", "--endpoint", "vpce-00000000000000001"}), Contains("--reflect"));
    CHECK_THAT(error_of({"--max-endpoints", "1", "--endpoint", "vpce-00000000000000001", "--endpoint",
                         "vpce-00000000000000002"}),
               Contains("--max-endpoints"));
    CHECK_THAT(error_of({"--mtu", "1000"}), Contains("--mtu"));
    CHECK_THAT(error_of({"--fault", "lazy"}), Contains("--fault"));
    CHECK_THAT(error_of({"--frobnicate"}), Contains("frobnicate"));
}
