#include "sample.h"

#include "controller/config/json_document.h"

using namespace glb;
using namespace glb::config;
using namespace glb::test;

TEST_CASE("json: a syntax error is one error with line and column", "[config]") {
    const auto errors = errors_in_text("{\n  \"version\": 1,\n  \"node\": {]\n}");
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].pointer == "");
    CHECK_THAT(errors[0].message, Catch::StartsWith("line 3, column 12: "));
    CHECK(errors_in_text("").size() == 1);
    CHECK(errors_in_text("{\"version\": 1} x").size() == 1);
    CHECK(errors_in_text("{\"version\": 01}").size() == 1);
    CHECK(errors_in_text("{\"a\": \"\xff\"}").size() == 1);
}

TEST_CASE("json: a duplicate member is an error at its pointer", "[config]") {
    const auto document = read_document(R"({"a": 1, "b": [{"c~/d": 1, "c~/d": 2}], "a": 3})");
    REQUIRE(document.errors.size() == 2);
    CHECK(document.errors[0].pointer == "/b/0/c~0~1d");
    CHECK(document.errors[1].pointer == "/a");
    CHECK((*document.root)["a"] == 3);
}

TEST_CASE("json: a NUL byte is an error and does not end the document", "[config]") {
    for (const std::string_view text : {std::string_view("{}\0", 3), std::string_view("{}\n\0{]", 6),
                                        std::string_view("{\"a\0b\": 1}", 10), std::string_view("\0", 1)}) {
        const auto document = read_document(text);
        REQUIRE(document.errors.size() == 1);
        CHECK(document.errors[0].pointer.empty());
        CHECK_THAT(document.errors[0].message, Catch::Contains("NUL byte"));
        CHECK_FALSE(document.root);
    }
    CHECK(read_document(std::string_view("{}\n\0", 4)).errors[0].message ==
          "line 2, column 1: NUL byte in JSON text");
}

TEST_CASE("json: a number that cannot be represented exactly is an error", "[config]") {
    CHECK(read_document("[0.5, 1e3, 0.100000000000001, 18446744073709551615]").errors.empty());
    const auto long_fraction = read_document("[0.1000000000000000055]");
    REQUIRE(long_fraction.errors.size() == 1);
    CHECK(long_fraction.errors[0].pointer == "/0");
    CHECK(read_document("[18446744073709551617]").errors.size() == 1);
    for (const auto *tiny : {"[0, 1e-400]", "[0, -0.5e-330]", "[0, 1e-310]"}) {
        REQUIRE(read_document(tiny).errors.size() == 1);
        CHECK(read_document(tiny).errors[0] ==
              ManifestError{"/1", "the number is too small to be represented exactly"});
    }
    CHECK(read_document("[0, 0.0, -0e-400]").errors.empty());
}

TEST_CASE("json: a number that exceeds a double is an error, and parsing continues", "[config]") {
    const ManifestError first{"/a", "the number is too large"};
    const auto document =
        read_document(R"({"a": 1e400, "1e400\"": "-1e400 \\", "b": [2, -1e999, 3], "b": {}, "c": 4})");
    CHECK(document.errors ==
          std::vector<ManifestError>{first, {"/b/1", first.message}, {"/b", "duplicate member: keep one"}});
    REQUIRE(document.root);
    CHECK((*document.root)["c"] == 4);
    CHECK((*document.root)["1e400\""] == "-1e400 \\");
    const auto broken = read_document("{\"a\": 1e400,\n \"b\": 1e400]");
    REQUIRE(broken.errors.size() == 3);
    CHECK_THAT(broken.errors[2].message, Catch::StartsWith("line 2, column 12: "));
    CHECK(read_document("1e400").errors == std::vector<ManifestError>{{"", first.message}});
    CHECK_FALSE(read_document("[1e400e]").root); // not a number
}

TEST_CASE("json: size and depth of the document are limited", "[config]") {
    CHECK(read_document(std::string(16, '[') + std::string(16, ']')).errors.empty());
    CHECK(read_document(std::string(17, '[') + std::string(17, ']')).errors.size() == 1);
    CHECK(read_document(std::string(9u << 20, ' ')).errors.size() == 1);
    std::string many = "[0";
    for (int i = 0; i < 200000; ++i)
        many += ",0";
    CHECK(read_document(many + "]").errors.size() == 1);
}

TEST_CASE("manifest: at most 1000 errors are reported", "[config]") {
    auto document = sample();
    for (int i = 0; i < 2000; ++i)
        document["x" + std::to_string(i)] = i;
    CHECK(errors_in(document).size() == 1000);
}
