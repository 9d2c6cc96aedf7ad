#include <catch2/catch.hpp>

#include "cli/format.h"

using namespace glb::cli;
using nlohmann::json;

TEST_CASE("format: sanitize removes control sequences and invalid UTF-8") {
    CHECK(sanitize("a\033[31mb\n\tc\x7f") == "a?[31mb??c?");
    CHECK(sanitize("\xc2\x9b"
                   "31m") == "?31m"); // C1's one-byte CSI
    CHECK(sanitize("\xe2\x80\xae"
                   "evil") == "?evil"); // right-to-left override
    CHECK(sanitize("\xff\xc3") == "??");
    CHECK(sanitize("\xc0\xaf\xed\xa0\x80") == "?????"); // overlong, surrogate
    CHECK(sanitize("Zürich 東京 🔥") == "Zürich 東京 🔥");
}

TEST_CASE("format: numbers have units") {
    CHECK(format_bytes(0) == "0 B");
    CHECK(format_bytes(1023) == "1023 B");
    CHECK(format_bytes(1024) == "1.0 KiB");
    CHECK(format_bytes(1536) == "1.5 KiB");
    CHECK(format_bytes(1048575) == "1.0 MiB");
    CHECK(format_bytes(10ull << 30) == "10.0 GiB");
    CHECK(format_bytes(~0ull) == "16384.0 PiB");
    CHECK(format_count(999) == "999");
    CHECK(format_count(1000) == "1.0 k");
    CHECK(format_count(12345) == "12.3 k");
    CHECK(format_count(999'960) == "1.0 M");
    CHECK(format_count(1'048'576) == "1.0 M");
    CHECK(format_count(1, "packet") == "1 packet");
    CHECK(format_count(0, "packet") == "0 packets");
    CHECK(format_count(12345, "flow") == "12.3 k flows");
    CHECK(format_duration(0) == "0s");
    CHECK(format_duration(59) == "59s");
    CHECK(format_duration(130) == "2m10s");
    CHECK(format_duration(3900) == "1h05m");
    CHECK(format_duration(100'000) == "1d3h");
}

TEST_CASE("format: JSON values are shown without quotes, and null as a dash") {
    CHECK(format_value("x") == "x");
    CHECK(format_value(nullptr) == "-");
    CHECK(format_value(7) == "7");
    CHECK(format_value(18446744073709551615u) == "18446744073709551615");
    CHECK(format_value({{"a", 1}}) == R"({"a":1})");
    CHECK(format_value(true) == "true");
    CHECK(or_dash(std::optional<std::string>()) == "-");
    CHECK(or_dash(std::optional<std::string>("x")) == "x");
    CHECK(or_dash(std::optional<std::uint32_t>()) == "-");
    CHECK(or_dash(std::optional<std::uint32_t>(0)) == "0");
}

TEST_CASE("format: each state of a target has its style") {
    CHECK(style_for_state("healthy") == Style::good);
    CHECK(style_for_state("unhealthy") == Style::bad);
    CHECK(style_for_state("draining") == Style::warning);
    CHECK(style_for_state("unused") == Style::dim);
}

TEST_CASE("format: colour wraps the text") {
    CHECK(colorize("x", Style::bad, true) == "\033[1;31mx\033[0m");
    CHECK(colorize("x", Style::warning, false) == "x");
    CHECK(colorize("x", Style::plain, true) == "x");
}
