#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <catch2/catch.hpp>

#include "appliance/options.h"

using namespace glb;
using namespace glb::appliance;

namespace {

/// The options of a command line, or the text of the refusal.
Result<Options> options_of(std::vector<std::string> words) {
    Arguments arguments;
    CLI::App app;
    arguments.add_to(app);
    std::ranges::reverse(words); // CLI11 takes them from the back
    try {
        app.parse(words);
    } catch (const CLI::ParseError &error) {
        return fail("{}", error.what());
    }
    return arguments.checked();
}

std::string refusal(const std::vector<std::string> &words) {
    const auto options = options_of(words);
    return options ? "accepted" : options.error().message;
}

} // namespace

TEST_CASE("without options the appliance listens where AWS's does") {
    const auto options = options_of({});
    REQUIRE(options);
    CHECK(options->listen.address == 0);
    CHECK(options->listen.port == htons(6081));
    CHECK(options->health == "0.0.0.0:80");
    CHECK(options->threads >= 1);
    CHECK_FALSE(options->reflect);
}

TEST_CASE("options are read, repeated ones are gathered") {
    const auto options =
        options_of({"--listen", "10.0.1.20:7000", "--endpoint", "vpce-02b8ee1d4db0c51c4", "--endpoint",
                    "vpce-00000000000000001", "--endpoint", "vpce-00000000000000001", "--node", "10.0.1.10",
                    "--health", "none", "--fault", "silent", "--threads", "3", "--listed-only"});
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

TEST_CASE("what makes no sense is refused with the option's name") {
    using Catch::Matchers::Contains;
    CHECK_THAT(refusal({"--listen", "6081"}), Contains("--listen"));
    CHECK_THAT(refusal({"--listen", "10.0.0.1:0"}), Contains("--listen"));
    CHECK_THAT(refusal({"--listen", "[2001:db8::1]:6081"}), Contains("--listen"));
    CHECK_THAT(refusal({"--endpoint", "branch"}), Contains("--endpoint"));
    CHECK_THAT(refusal({"--node", "2001:db8::1"}), Contains("--node"));
    CHECK_THAT(refusal({"--listed-only"}), Contains("--listed-only"));
    CHECK_THAT(refusal({"--reflect", "--endpoint", "vpce-00000000000000001"}), Contains("--reflect"));
    CHECK_THAT(refusal({"--max-endpoints", "1", "--endpoint", "vpce-00000000000000001", "--endpoint",
                        "vpce-00000000000000002"}),
               Contains("--max-endpoints"));
    CHECK_THAT(refusal({"--mtu", "1000"}), Contains("--mtu"));
    CHECK_THAT(refusal({"--fault", "lazy"}), Contains("--fault"));
    CHECK_THAT(refusal({"--frobnicate"}), Contains("frobnicate"));
}
