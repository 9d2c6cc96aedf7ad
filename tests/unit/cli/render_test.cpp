#include <catch2/catch.hpp>

#include "cli/render.h"

using namespace glb::cli;
using nlohmann::json;

TEST_CASE("a table aligns its columns and leaves no space at a line's end") {
    Table table({{"NAME"}, {"COUNT", Align::right}, {"NOTE"}});
    table.add({"a", "12345", "x"});
    table.add({"longer", "1", ""});
    table.add({"b"});
    CHECK(table.text(false) == "NAME    COUNT  NOTE\n"
                               "a       12345  x\n"
                               "longer      1\n"
                               "b\n");
}

TEST_CASE("an empty table is its titles") {
    const Table table({{"NAME"}, {"COUNT", Align::right}});
    CHECK(table.empty());
    CHECK(table.text(false) == "NAME  COUNT\n");
}

TEST_CASE("colour wraps the text and does not shift the columns") {
    Table table({{"STATE"}, {"N"}});
    table.add({{"up", Style::good}, "1"});
    table.add({{"down", Style::bad}, "2"});
    CHECK(table.text(true) == "\033[2mSTATE\033[0m  \033[2mN\033[0m\n"
                              "\033[32mup\033[0m     1\n"
                              "\033[1;31mdown\033[0m   2\n");
    CHECK(colorize("x", Style::warning, false) == "x");
    CHECK(colorize("x", Style::plain, true) == "x");
}

TEST_CASE("width is counted in columns, not in bytes") {
    CHECK(display_width("abc") == 3);
    CHECK(display_width("Zürich") == 6);
    CHECK(display_width("Zu\u0308rich") == 6); // u and a combining diaeresis
    CHECK(display_width("東京") == 4);
    CHECK(display_width("🔥") == 2);
    Table table({{"CITY"}, {"N"}});
    table.add({"東京", "1"});
    table.add({"Zürich", "2"});
    CHECK(table.text(false) == "CITY    N\n東京    1\nZürich  2\n");
}

TEST_CASE("nothing from outside steers the terminal") {
    CHECK(sanitize("a\033[31mb\n\tc\x7f") == "a?[31mb??c?");
    CHECK(sanitize("\xc2\x9b"
                   "31m") == "?31m"); // C1's one-byte CSI
    CHECK(sanitize("\xe2\x80\xae"
                   "evil") == "?evil"); // right-to-left override
    CHECK(sanitize("\xff\xc3") == "??");
    CHECK(sanitize("\xc0\xaf\xed\xa0\x80") == "?????"); // overlong, surrogate
    CHECK(sanitize("Zürich 東京 🔥") == "Zürich 東京 🔥");
    Table table({{"A"}});
    table.add({"x\ny"});
    CHECK(table.text(false) == "A\nx?y\n");
}

TEST_CASE("numbers have units that people read") {
    CHECK(bytes_text(0) == "0 B");
    CHECK(bytes_text(1023) == "1023 B");
    CHECK(bytes_text(1024) == "1.0 KiB");
    CHECK(bytes_text(1536) == "1.5 KiB");
    CHECK(bytes_text(1048575) == "1.0 MiB");
    CHECK(bytes_text(10ull << 30) == "10.0 GiB");
    CHECK(bytes_text(~0ull) == "16384.0 PiB");
    CHECK(count_text(999) == "999");
    CHECK(count_text(1000) == "1.0 k");
    CHECK(count_text(12345) == "12.3 k");
    CHECK(count_text(999'960) == "1.0 M");
    CHECK(count_text(1'048'576) == "1.0 M");
    CHECK(duration_text(0) == "0s");
    CHECK(duration_text(59) == "59s");
    CHECK(duration_text(130) == "2m10s");
    CHECK(duration_text(3900) == "1h05m");
    CHECK(duration_text(100'000) == "1d3h");
}

TEST_CASE("what a document does not have is shown as -, and never thrown at") {
    const auto row = json::parse(R"({"text": "x", "null": null, "number": 7, "big": 18446744073709551615,
                                     "negative": -1, "real": 1.5, "flag": true, "list": [1], "object": {"a": 1}})");
    CHECK(text_of(row, "text") == "x");
    CHECK(text_of(row, "number") == "7");
    CHECK(text_of(row, "null") == "-");
    CHECK(text_of(row, "absent") == "-");
    CHECK(text_of(json(3), "x") == "-");
    CHECK(count_of(row, "big") == "18446744.1 T");
    CHECK(count_of(row, "negative") == "-");
    CHECK(count_of(row, "text") == "-");
    CHECK(count_of(row, "real") == "1");
    CHECK(bytes_of(row, "absent") == "-");
    CHECK(duration_of(row, "null") == "-");
    CHECK(flag_of(row, "flag"));
    CHECK_FALSE(flag_of(row, "number"));
    CHECK(array_of(row, "list").size() == 1);
    CHECK(array_of(row, "text").empty());
    CHECK(object_of(row, "object").size() == 1);
    CHECK(object_of(json::array(), "x").empty());
}

TEST_CASE("a target's state has its tone") {
    CHECK(style_for_state("healthy") == Style::good);
    CHECK(style_for_state("unhealthy") == Style::bad);
    CHECK(style_for_state("draining") == Style::warning);
    CHECK(style_for_state("unused") == Style::dim);
}
