#include <catch2/catch.hpp>

#include "cli/table.h"

using namespace glb::cli;

TEST_CASE("table: columns are aligned, and no line ends with a space") {
    Table table({{"NAME"}, {"COUNT", Align::right}, {"NOTE"}});
    table.add({"a", "12345", "x"});
    table.add({"longer", "1", ""});
    table.add({"b"});
    CHECK(table.text(false) == "NAME    COUNT  NOTE\n"
                               "a       12345  x\n"
                               "longer      1\n"
                               "b\n");
}

TEST_CASE("table: an empty one consists of its titles") {
    const Table table({{"NAME"}, {"COUNT", Align::right}});
    CHECK(table.empty());
    CHECK(table.text(false) == "NAME  COUNT\n");
    CHECK(table.text(true) == "\033[2mNAME\033[0m  \033[2mCOUNT\033[0m\n");
}

TEST_CASE("table: colour does not shift the columns") {
    Table table({{"STATE"}, {"N", Align::right}});
    table.add({{"up", Style::good}, "1"});
    table.add({{"down", Style::bad}, {"22", Style::dim}});
    CHECK(table.text(true) == "\033[2mSTATE\033[0m  \033[2m N\033[0m\n"
                              "\033[32mup   \033[0m   1\n"
                              "\033[1;31mdown \033[0m  \033[2m22\033[0m\n");
    CHECK(table.text(false) == "STATE   N\nup      1\ndown   22\n");
}

TEST_CASE("table: width is measured in columns of the terminal, in any locale") {
    Table table({{"CITY"}, {"N"}});
    table.add({"東京", "1"});
    table.add({"Zürich", "2"});
    table.add({"Zu\u0308rich", "3"}); // u and a combining diaeresis
    table.add({"🔥", "4"});
    CHECK(table.text(false) == "CITY    N\n東京    1\nZürich  2\nZu\u0308rich  3\n🔥      4\n");
}

TEST_CASE("table: cells are sanitized, and never cut") {
    Table table({{"A"}, {"B"}});
    table.add({"x\ny\033[31m", std::string(300, 'b')});
    CHECK(table.text(false) == "A         B\nx?y?[31m " + (" " + std::string(300, 'b')) + "\n");
}

TEST_CASE("table: cells beyond the last column are ignored") {
    Table table({{"A"}});
    table.add({"1", "2"});
    CHECK(table.text(false) == "A\n1\n");
}
